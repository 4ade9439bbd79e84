// A source of Amazon for the simulation of days: its products, its quota, and its limits.

import assert from 'node:assert/strict'
import type { PoolClient } from 'pg'
import { createAmazon } from '../../src/connectors/amazon/connector.ts'
import { AmazonSettings } from '../../src/connectors/amazon/settings.ts'
import { BREAKER_POLICY } from '../../src/core/breaker.ts'
import { toBuckets } from '../../src/sources/request-turns.ts'

export const RESPONSE_MS = 300

const settings = AmazonSettings.parse({})
const { rules, batches } = createAmazon()
const url = new URL(`${settings.apiUrl}/catalog/v1/getItems`)
const found = rules?.({ url, settings, credentials: null })
const limit = found?.limits[0]
assert.ok(limit !== undefined && batches !== undefined)
export const BATCHES = batches
export const POLICY = { ...BREAKER_POLICY, ...found?.breaker?.policy }
export const [REFRESHES, IMPORTS] = [
  toBuckets(limit, new Map(), false),
  toBuckets(limit, new Map(), true),
]

/** Sends up to `count` requests one after the other, until one is refused. */
export const SEND = `
  create function pg_temp.send(limits jsonb, count integer, start timestamptz)
  returns table (sent timestamptz[], refused boolean) language plpgsql as $$
  declare
    at timestamptz := start;
    entry record;
  begin
    sent := '{}'; refused := false;
    for n in 1 .. count loop
      for l in 0 .. jsonb_array_length(limits) - 1 loop
        select * into entry from catalog.enter_limit(limits -> l, 900000, 'h', 'o', null, 0, at);
        refused := not entry.entered;
        exit when refused;
        at := at + make_interval(secs => entry.wait_ms / 1000);
      end loop;
      exit when refused;
      sent := sent || at;
      at := at + interval '${RESPONSE_MS} milliseconds';
    end loop;
    return next;
  end $$`

export async function addRefreshSource(
  client: PoolClient,
  { products, ageMinutes }: { readonly products: number; readonly ageMinutes: number },
  startMs: number,
): Promise<number> {
  const refresh = { cron: '17 * * * *', products: 'due', atMost: 10_000, ageMinutes }
  const { rows } = await client.query<{ id: number }>(
    `insert into catalog.sources (name, connector, schedule, next_seq) values ($1, 'amazon', $2, $3) returning id`,
    [`days-${ageMinutes}`, { cron: refresh.cron, zone: 'UTC', fullOn: 'never', refresh }, products],
  )
  const id = rows[0]?.id ?? 0
  // All are imported at the same time, which is the worst case.
  await client.query('select catalog.record_reads($1, $2, $3)', [
    id,
    Array.from({ length: products }, (_, at) => toId(at)),
    new Date(startMs),
  ])
  assert.ok(limit)
  const { perDay, intervalMs, reserve } = limit
  const [whole] = IMPORTS
  await client.query('select catalog.record_quota($1, $2)', [
    id,
    {
      scope: limit.scope,
      key: whole?.key,
      per_day: perDay,
      per_second: 1_000 / intervalMs,
      reserve,
      products_per_request: BATCHES.productsPerRequest,
    },
  ])
  return id
}

function toId(at: number): string {
  return `B${String(at).padStart(9, '0')}`
}

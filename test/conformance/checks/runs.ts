// Checks over several runs of a source: repeated feeds, replays, the resumption of a cancelled run,
// and secrets.

import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import type { Connector, Page } from '../../../src/core/connector.ts'
import { type Rig, valuesOf } from '../rig.ts'
import { secretsOf, type Check } from './check.ts'

const sameFeedWritesNothing: Check = {
  name: 'the same feed again writes no row, even when all volatile members have changed',
  async prove(rig) {
    await rig.syncGreen()
    const before = await rig.snapshot()
    assert.ok(before.length >= rig.subject.size)
    for (const move of [false, true]) {
      if (move) rig.supplier.touch()
      const { ledger } = await rig.syncGreen()
      assert.equal(
        ledger.unchanged,
        ledger.fetched,
        `${ledger.fetched - ledger.unchanged} of ${ledger.fetched} records count as changed`,
      )
      await rig.assertNothingWritten(before)
    }
  },
}

const replayWritesNothing: Check = {
  name: 'a replay of an applied artifact writes no row',
  async prove(rig) {
    const { run } = await rig.syncGreen()
    const before = await rig.snapshot()
    const { state, reason, ledger } = await rig.pipeline.replay(run)
    assert.equal(state, 'succeeded', `the replay ${state}: ${reason}`)
    assert.equal(
      ledger.unchanged + ledger.duplicate,
      ledger.fetched,
      `${ledger.updated} of ${ledger.fetched} records count as updated`,
    )
    await rig.assertNothingWritten(before)
  },
}

const cancelledGoesOn: Check = {
  name: 'a cancelled fetch stops at once, keeps its pages, and the next sync resumes from there',
  async prove(rig) {
    const stop = new AbortController()
    const seen: Page[] = []
    const { state, run } = await rig.sync(
      'full',
      stopping(rig.subject.connector, stop, seen),
      stop.signal,
    )
    assert.equal(state, 'failed', `a cancelled run is ${state}`)
    assert.ok(seen.length <= 2, `${seen.length - 1} more pages came after the fetch was cancelled`)
    const arrived = seen.reduce((lines, { lineCount }) => lines + lineCount, 0)
    const kept = (await rig.parts(run)).reduce((lines, { lineCount }) => lines + lineCount, 0)
    assert.deepEqual(
      [kept, arrived > 0],
      [arrived, true],
      `${arrived} lines had arrived, ${kept} are in the artifact`,
    )
    const resumed = await rig.syncGreen()
    assert.deepEqual(
      [resumed.run, resumed.resumed],
      [run, true],
      'the next sync does not resume the cancelled run',
    )
    await rig.assertExact()
  },
}

/** Returns the connector, wrapped so that the run is cancelled once its first lines are archived. */
function stopping(connector: Connector, stop: AbortController, seen: Page[]): Connector {
  const fetch: Connector['fetch'] = async function* (request, signal) {
    for await (const page of connector.fetch(request, signal)) {
      if (page.lineCount > 0 || seen.length > 0) seen.push(page)
      yield page
      if (seen.length > 0) stop.abort()
    }
  }
  return { ...connector, fetch }
}

const secretsStay: Check = {
  name: 'secrets appear in no artifact, table, log or error',
  async prove(rig) {
    const { supplier, subject } = rig
    const secrets = secretsOf(subject.connector, valuesOf(subject))
    if (secrets.length === 0) return
    const told: string[] = []
    supplier.spoil(supplier.ids()[1] ?? '', 'shape')
    // A supplier may quote the request in the body or headers of an error, or in the address of a
    // redirect.
    const quoted = secrets.join(' or ')
    const body = JSON.stringify({ error: { code: 'refused', message: `Not with ${quoted}` } })
    const headers = {
      'www-authenticate': `Basic realm="${quoted}"`,
      'retry-after': quoted,
      location: `/?key=${encodeURIComponent(quoted)}`,
    }
    for (const status of [401, 429, 500, 400, 302]) {
      supplier.strike({ kind: 'status', status, headers, body })
      const report = await rig.sync()
      told.push(inspect(report, { depth: 12, showHidden: true }), JSON.stringify(report))
    }
    supplier.strike({ kind: 'cut' })
    await rig.syncGreen()
    told.push(...rig.pipeline.logged, inspect(subject.connector, { depth: 12 }))
    const places = {
      'an error or a log': told.join('\n'),
      'the database': await everyRow(rig),
      'an artifact': await everyArtifact(rig),
    }
    for (const spelling of new Set(secrets.flatMap(listSpellings))) {
      for (const [place, text] of Object.entries(places))
        assert.ok(
          !text.includes(spelling),
          `the secret is in ${place}: ${textBefore(text, spelling)}`,
        )
    }
  },
}

/** Returns the rows of all tables for this source as text, including their bytea columns. */
async function everyRow(rig: Rig): Promise<string> {
  const tables = await rig.pipeline.query<{
    name: string
    key: string
  }>(`select format('catalog.%I', table_name) as name, column_name as key
    from information_schema.columns where table_schema = 'catalog' and (column_name = 'source_id' or table_name = 'sources' and column_name = 'id')`)
  const texts: string[] = []
  for (const { name, key } of tables) {
    const rows = await rig.query<{ row: string }>(
      `select t::text as row from ${name} t where ${key} = $1`,
    )
    for (const { row } of rows)
      texts.push(
        row.replaceAll(/\\\\x([0-9a-f]+)/g, (_, hex: string) => Buffer.from(hex, 'hex').toString()),
      )
  }
  return texts.join('\n')
}

async function everyArtifact(rig: Rig): Promise<string> {
  const rows = await rig.query<{ run_id: number }>(
    'select run_id from catalog.artifacts where source_id = $1',
  )
  const texts = await Promise.all(rows.map(({ run_id }) => rig.pipeline.archived(run_id)))
  const { store } = rig.pipeline.tools
  for await (const { key } of store.list(''))
    texts.push(key, Buffer.from(await store.get(key)).toString())
  return texts.join('\n')
}

function listSpellings(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1)
  return [
    secret,
    json,
    JSON.stringify(json).slice(1, -1),
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64'),
  ]
}

function textBefore(text: string, spelling: string): string {
  const at = text.indexOf(spelling)
  return text.slice(Math.max(0, at - 80), at).replaceAll(/\s+/g, ' ')
}

export const runChecks: readonly Check[] = [
  sameFeedWritesNothing,
  replayWritesNothing,
  cancelledGoesOn,
  secretsStay,
]

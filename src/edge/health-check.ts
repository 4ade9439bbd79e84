// health-check: the state of everything that a refresh needs. It responds 200 while all of it
// works, and 503 with the reason otherwise. It requests a token of the supplier, which uses nothing
// of its quota.

import './node-globals.ts'
import { z } from 'zod'
import { amazon } from '../connectors/amazon/connector.ts'
import { SyncError } from '../core/errors.ts'
import { toInstant } from '../db/catalog.ts'
import { toSyncError } from '../db/errors.ts'
import { listBreakers, type OpenBreaker } from '../db/read/limits.ts'
import { limitRequests } from '../sources/limited-http.ts'
import type { EdgeFunction, EdgeResult, EdgeTools } from './function.ts'
import { listOpenSources, type OpenSource } from './sync-products.ts'

interface Component {
  readonly state: 'up' | 'down'
  readonly code?: string | null
  readonly message?: string
}

/** The newest request of the schedule, as `catalog.load_refresh_schedule` returns it. */
interface StoredSchedule {
  readonly scheduled: boolean
  readonly requested_at: string | null
  readonly status_code: number | null
  readonly error: string | null
}

export const healthCheck: EdgeFunction = {
  name: 'health-check',
  method: 'GET',
  allowsCron: false,
  body: z.unknown(),
  connector: amazon,
  handle: (_, tools) => checkHealth(tools),
}

async function checkHealth(tools: EdgeTools): Promise<EdgeResult> {
  const [database, stored] = await checkDatabase(tools)
  if (stored === null) return toResult({ database, supplier: null, breaker: null, schedule: null })
  const { sources, breakers, schedule } = stored
  const open = breakers.find(({ scope, state }) => scope === amazon.name && state === 'open')
  return toResult({
    database,
    // While the breaker is open, no request is sent.
    supplier: open === undefined ? await checkSupplier(tools, sources) : null,
    breaker: describeBreaker(open),
    schedule,
  })
}

interface Stored {
  readonly sources: readonly OpenSource[]
  readonly breakers: readonly OpenBreaker[]
  readonly schedule: object
}

async function checkDatabase(tools: EdgeTools): Promise<[Component, Stored | null]> {
  try {
    const sources = await listOpenSources(tools, amazon)
    const breakers = await listBreakers(tools.db)
    const [newest] = await tools.db.call<StoredSchedule>('load_refresh_schedule', {})
    return [{ state: 'up' }, { sources, breakers, schedule: describeSchedule(newest) }]
  } catch (error) {
    return [toDown(error), null]
  }
}

async function checkSupplier(
  { signal, log }: EdgeTools,
  sources: readonly OpenSource[],
): Promise<Component> {
  const [first] = sources
  if (first === undefined)
    return {
      state: 'down',
      code: 'source/unknown',
      message: 'No source of Amazon is active: add one with `shelfsync add amazon`',
    }
  const { bound, tools, http } = first
  const { connector, settings } = bound
  try {
    const credentials = tools.credentials(bound)
    const requester = { connector, settings, credentials, urgent: true }
    const limited = limitRequests({ ...tools, http }, requester)
    await amazon.probe?.(
      { settings: settings as never, credentials: credentials as never, http: limited },
      signal,
    )
    return { state: 'up' }
  } catch (error) {
    log.warn({ err: error }, 'the supplier is down')
    return toDown(error)
  }
}

function describeBreaker(open: OpenBreaker | undefined): object {
  if (open === undefined) return { state: 'closed' }
  const { state, failures, openedAt: since, retryAt } = open
  return { state, failures, since, retryAt }
}

/** For a person: a schedule that fails does not make the functions unusable. */
function describeSchedule(newest: StoredSchedule | undefined): object {
  if (newest === undefined) return { state: 'none' }
  const { scheduled, requested_at, status_code: status, error } = newest
  const requestedAt = toInstant(requested_at)
  return { state: scheduled ? 'scheduled' : 'none', requestedAt, status, error }
}

function toDown(thrown: unknown): Component {
  const error = toSyncError(thrown)
  return error instanceof SyncError
    ? { state: 'down', code: error.code, message: error.message }
    : { state: 'down', code: null, message: 'internal error' }
}

interface Parts {
  readonly database: Component
  readonly supplier: Component | null
  readonly breaker: object | null
  readonly schedule: object | null
}

function toResult(components: Parts): EdgeResult {
  const isUp = components.database.state === 'up' && components.supplier?.state === 'up'
  return { status: isUp ? 200 : 503, body: { status: isUp ? 'up' : 'down', components } }
}

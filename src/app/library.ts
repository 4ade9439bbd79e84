// Syncs and plans for programs that use Shelfsync as a library, with a separate connector. Each
// call opens its tools and closes them again.

import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { CONNECTORS } from '../connectors/registry.ts'
import { loadSettings, type Settings } from '../config/settings.ts'
import { checkValue, formatProblems } from '../core/check-value.ts'
import type { Connector } from '../core/connector.ts'
import { listSecrets, parseCredentials } from '../core/credentials.ts'
import { SyncError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import type { Ledger } from '../core/ledger.ts'
import type { PipelineDb } from '../db/pipeline-db.ts'
import {
  addSource,
  checkName,
  findSource,
  loadSource,
  saveSource,
  type Source,
} from '../db/sources.ts'
import { createProgress } from '../pipeline/context.ts'
import { planSource } from '../pipeline/plan.ts'
import { syncSource } from '../pipeline/sync.ts'
import { bindConnector } from '../sources/bound-source.ts'
import { chooseSchedule } from '../sources/schedule.ts'
import { createLog } from '../telemetry/log.ts'
import { type Host, openSyncTools, openTools } from './compose.ts'

/** The parsed settings of a source, as they are stored. */
type StoredSettings = Readonly<Record<string, Json>>

export interface SourceOptions {
  /** Its name must not be that of a connector of Shelfsync. */
  readonly connector: Connector
  /** The name of the source: lower-case letters, digits and hyphens. */
  readonly source: string
  /** The settings of the source, for the connector's schema. They are stored, so no secret. */
  readonly settings: StoredSettings
  /**
   * Shelfsync's own settings by their names, and the variables of the connector. Without
   * `DATABASE_URL`, the database is the embedded one. No file `.env` is read.
   */
  readonly environment: Readonly<Record<string, string | undefined>>
  /**
   * `auto` (the default): the changes since the last run if the connector supports that and no full
   * run is due.
   */
  readonly mode?: 'auto' | 'full' | 'incremental' | undefined
  /** Stops the work; the promise is then rejected, and a later sync resumes. */
  readonly signal?: AbortSignal | undefined
}

export type SyncOptions = SourceOptions

export interface PlanOptions extends SourceOptions {
  /** Called for each change in the order of the supplier's records. */
  readonly onChange?: ((change: Change) => void) | undefined
}

/** A change of one product, as a sync would make it. */
export interface Change {
  readonly externalId: string
  readonly kind: string
  readonly title: string | null
  /** Member → [before, after], or [before, after, reason] for a price that would be held. */
  readonly detail: Readonly<Record<string, unknown>>
}

export interface PlanReport {
  readonly kind: string
  /** `held`: removals and changed prices wait for a decision (`shelfsync runs approve`). */
  readonly state: 'succeeded' | 'held'
  /** The reason why it is held. */
  readonly reason: string | null
  readonly ledger: Ledger
  /** The reason why a full run could not detect removed products, or null. */
  readonly removalsOff: string | null
}

export interface SyncReport extends PlanReport {
  /** The number of the run. */
  readonly run: number
  /** True if it resumed a run that was interrupted. */
  readonly resumed: boolean
  readonly seconds: number
}

/**
 * Brings a source up to date, and adds it if it does not exist. Settings that differ from the stored
 * ones replace them, and the next run then reads every record again. A call after a crash resumes.
 *
 * @throws SyncError `settings/invalid` · `usage/invalid` · `db/…` · `run/active` when another process
 * syncs the source · the error of a run that failed
 */
export async function sync(options: SyncOptions): Promise<SyncReport> {
  const { connector, mode = 'auto', signal = new AbortController().signal } = options
  const settings = readSettings(options)
  await using tools = await openSyncTools(settings, createHost(settings))
  const source = await addOrUpdate(tools.db, options)
  const request = { mode, sinceAt: null, now: new Date() }
  const controls = { progress: createProgress(), signal }
  const report = await syncSource(tools, bindConnector(connector, source), request, controls)
  const { state, error, source: _, ...facts } = report
  if (state === 'failed') throw error
  return { ...facts, state }
}

/**
 * Reports what a sync of an existing source would change, and changes nothing.
 *
 * @throws SyncError as `sync`, and `source/unknown` before the first sync
 */
export async function plan(options: PlanOptions): Promise<PlanReport> {
  const { connector, mode = 'auto', signal = new AbortController().signal } = options
  const settings = readSettings(options)
  await using tools = await openTools(settings, createHost(settings))
  const source = await loadSource(tools.db, options.source)
  requireConnector(source, connector)
  const bound = bindConnector(connector, { ...source, settings: parseSettings(options) })
  const request = { mode, sinceAt: null, now: new Date() }
  const { diff: _, ...report } = await planSource(tools, bound, request, {
    progress: createProgress(),
    signal,
    onChange: ({ externalId, kind, title, detail }) =>
      options.onChange?.({ externalId, kind, title, detail }),
  })
  return report
}

/** Reads Shelfsync's settings, with the variables and secrets of the connector. */
function readSettings({ connector, source, environment }: SourceOptions): Settings {
  if ((CONNECTORS.get(connector.name) ?? connector) !== connector)
    throw new SyncError(
      'usage/invalid',
      `Shelfsync has a connector named ${connector.name}: choose another name`,
    )
  const settings = loadSettings(environment)
  const names = Object.values(connector.credentials.variables).map(({ name }) => name)
  const own = Object.entries(environment).filter(
    ([name, value]) => names.includes(name) && value?.trim(),
  )
  const credentials = { ...settings.credentials, ...Object.fromEntries(own) }
  const { problems } = parseCredentials(connector.credentials, credentials, source)
  if (problems.length > 0)
    throw new SyncError(
      'settings/invalid',
      ['The settings are not valid:', ...problems].join('\n  '),
    )
  const secrets = listSecrets([connector.credentials], credentials)
  return {
    ...settings,
    credentials,
    secrets: [...settings.secrets, ...secrets],
    supplierSecrets: [...settings.supplierSecrets, ...secrets],
  }
}

/** The log has warnings and errors only, as JSON lines on standard error. */
function createHost({ logLevel, secrets }: Settings): Host {
  const correlationId = randomUUID()
  const level = logLevel === 'info' ? 'warn' : logLevel
  const log = createLog({ level, secrets }).child({ cid: correlationId })
  return { log, correlationId, notify: (text) => log.info({}, text) }
}

async function addOrUpdate(db: PipelineDb, options: SourceOptions): Promise<Source> {
  const { connector } = options
  const settings = parseSettings(options)
  const source = await findSource(db, options.source)
  if (source === null)
    return addSource(db, {
      name: checkName(options.source),
      connector: connector.name,
      settings,
      schedule: chooseSchedule(connector, options.source),
      policy: connector.policy,
    })
  requireConnector(source, connector)
  if (isDeepStrictEqual(source.settings, settings)) return source
  return saveSource(db, source.id, { settings })
}

/** Returns the settings in the form in which they are stored. @throws SyncError `settings/invalid` */
function parseSettings({ connector, source, settings }: SourceOptions): Json {
  const { data, problems } = checkValue(connector.settings, settings)
  if (problems !== null)
    throw new SyncError(
      'settings/invalid',
      `The settings of ${source} are not valid: ${formatProblems(problems)}`,
    )
  return JSON.parse(JSON.stringify(data)) as Json
}

function requireConnector({ name, connector }: Source, { name: given }: Connector): void {
  if (connector !== given)
    throw new SyncError(
      'usage/invalid',
      `The source ${name} uses the connector ${connector}, not ${given}: choose another name for the source`,
    )
}

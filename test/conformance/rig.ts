// One connector and one supplier on a real pipeline: HTTP over loopback, parts in a separate
// folder, a separate source in a real Postgres. Waits are recorded instead of slept. Parts and
// batches are small, so that there are several.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { Connector, FetchRequest, Page, Scope } from '../../src/core/connector.ts'
import {
  parseCredentials,
  sourceVariable,
  type CredentialValues,
} from '../../src/core/credentials.ts'
import type { Http } from '../../src/core/http.ts'
import type { Draft } from '../../src/core/product.ts'
import { listParts, type ArchivedPart } from '../../src/db/write/artifacts.ts'
import type { Db } from '../../src/db/pool.ts'
import type { RunReport } from '../../src/pipeline/run-in-process.ts'
import { listTablesWithout } from '../support/catalogue-tables.ts'
import { openPipeline, type TestPipeline } from '../support/pipeline.ts'
import type { Supplier } from './supplier.ts'

/** The connector under test, and how to run its supplier. */
export interface Subject {
  readonly connector: Connector
  /** Returns the settings of a source at `origin`, before they are parsed. */
  readonly settings: (origin: string) => unknown
  /** Starts a supplier with this number of products. */
  readonly start: (size: number) => Promise<Supplier>
  /**
   * Number of products that fills at least two pages. Keep it small, because each check reads them
   * several times.
   */
  readonly size: number
  /** The id of a record is the address at which it was read, so no record can be without one. */
  readonly isAlwaysNamed?: boolean
  /** Values of the environment variables that the connector declares. */
  readonly credentials?: CredentialValues
  /** Secrets that each source has separately, by the member of the credentials. */
  readonly secrets?: Readonly<Record<string, string>>
  /** The ids of a supplier of this size, for a connector that fetches by keys only. */
  readonly keys?: (size: number) => readonly string[]
  /** The member of an archived record that is the record as the supplier sends it. */
  readonly sentMember?: string
  /**
   * Its products expire. A later fetch of the same product writes the new time of expiry, and nothing
   * else.
   */
  readonly isExpiring?: boolean
  /** Number of pages between two measurements of memory; default 3. */
  readonly pagesASample?: number
  /**
   * The file that calls `testConnector` with this subject, and its arguments. Default: the main
   * file of the process.
   */
  readonly file?: readonly string[]
}

/**
 * Maximum number of pauses in a check; after a Retry-After, each request of a fetch is one. A fetch that
 * waits more often makes no progress.
 */
const WAITS_MAX = 200
const SMALL = {
  partBytesMax: 256 * 1024,
  batchRecordsMax: 40,
  batchBytesMax: 1024 * 1024,
  attemptsMax: 3,
}
/** High, because one bad record among few exceeds the default of one in a hundred. */
const POLICY = { quarantineShare: 0.05 }
const TABLES = listTablesWithout('quarantine', 'reviews')
/** The SQL of what changes with each write of a row. */
const ROW_VERSION = `xmin::text || ' ' || ctid::text`
/** The same for rows whose time of expiry is written again. */
const TERM_VERSION = `external_id || ' ' || changed_at`
const EXPIRING_VERSIONS: Readonly<Record<string, string>> = {
  products: `external_id || ' ' || changed_at || ' ' || content_hash`,
  brands: TERM_VERSION,
  organizations: TERM_VERSION,
  categories: TERM_VERSION,
}

/** Other checks use the same database: their Retry-After must not delay the requests of this one. */
function withOwnLimits(connector: Connector, owner: string): Connector {
  const { rules } = connector
  if (rules === undefined) return connector
  return {
    ...connector,
    rules(request) {
      const { limits, breaker } = rules(request)
      return {
        limits: limits.map((limit) => ({ ...limit, key: `${limit.key} ${owner}` })),
        breaker,
      }
    },
  }
}

let sources = 0

export class Rig {
  readonly subject: Subject
  readonly supplier: Supplier
  readonly pipeline: TestPipeline
  /** Every requested pause of the pipeline, in milliseconds. */
  readonly waits: readonly number[]
  /** Idle timeout of response bodies in milliseconds; null uses the connector's value. */
  idleTimeoutMs: number | null = null

  private constructor(
    subject: Subject,
    supplier: Supplier,
    pipeline: TestPipeline,
    waits: readonly number[],
  ) {
    this.subject = subject
    this.supplier = supplier
    this.pipeline = pipeline
    this.waits = waits
  }

  /** Opens everything that a check needs, and removes it when `work` has ended. */
  static async use(subject: Subject, db: Db, work: (rig: Rig) => Promise<void>): Promise<void> {
    const supplier = await subject.start(subject.size)
    const endings = [supplier.close]
    const waits: number[] = []
    const wait = async (ms: number, signal: AbortSignal): Promise<void> => {
      signal.throwIfAborted()
      if (waits.push(ms) > WAITS_MAX)
        throw new Error(`after ${WAITS_MAX} pauses the fetch has still not ended`)
    }
    try {
      const settings = JSON.parse(JSON.stringify(subject.settings(supplier.origin)))
      const name = `conformance-${process.pid}-${++sources}`
      const scope = { after: (ending: () => Promise<void>) => void endings.push(ending) }
      const pipeline = await openPipeline(scope, {
        db,
        connector: withOwnLimits(subject.connector, supplier.origin),
        name,
        credentials: valuesOf(subject, name),
        settings,
        policy: POLICY,
        options: { ...SMALL, wait },
      })
      await work(new Rig(subject, supplier, pipeline, waits))
    } finally {
      for (const end of endings) await end()
    }
  }

  readonly http: Http = (request, signal) => {
    const { idleTimeoutMs } = this
    return this.pipeline.tools.http(
      idleTimeoutMs === null ? request : { ...request, idleTimeoutMs },
      signal,
    )
  }

  sync(
    mode: 'full' | 'incremental' = 'full',
    connector = this.pipeline.connector,
    signal = new AbortController().signal,
  ): Promise<RunReport> {
    const tools = { http: this.http }
    return this.isKeyed
      ? this.pipeline.syncKeys(this.supplier.ids(), { connector, signal, tools })
      : this.pipeline.sync({ mode, connector, signal, tools })
  }

  /** True for a connector that cannot list its products: a sync names all of them. */
  get isKeyed(): boolean {
    return this.subject.keys !== undefined
  }

  /** Lets requests through again at once, as after the pause of a circuit breaker. */
  async closeBreaker(): Promise<void> {
    const { host } = new URL(this.supplier.origin)
    await this.pipeline.query(
      'delete from catalog.circuit_breakers where starts_with(key, $1)',
      host,
    )
  }

  /** Runs a sync and asserts that it succeeds. */
  async syncGreen(mode: 'full' | 'incremental' = 'full'): Promise<RunReport> {
    const report = await this.sync(mode)
    assert.equal(report.state, 'succeeded', `the run ${report.state}: ${report.reason}`)
    return report
  }

  /** Fetches the connector's pages without the pipeline. */
  fetch(wish: Partial<FetchRequest> = {}): AsyncIterable<Page> {
    const scope: Scope = this.isKeyed
      ? { kind: 'keys', keys: this.supplier.ids() }
      : { kind: 'all' }
    const request: FetchRequest = {
      settings: this.settings(),
      credentials: credentialsOf(this.subject),
      scope,
      cursor: null,
      http: this.http,
      warn: () => {},
      ...wish,
    }
    return this.subject.connector.fetch(request, new AbortController().signal)
  }

  settings(): unknown {
    return this.subject.connector.settings.parse(this.subject.settings(this.supplier.origin))
  }

  /** Returns the lines that the supplier currently sends, without line feeds. */
  async lines(): Promise<Buffer[]> {
    return (await Array.fromAsync(this.fetch())).flatMap(linesOf)
  }

  /** Normalises the supplier's current records, by id. */
  async drafts(): Promise<Map<string, Draft>> {
    const { connector } = this.subject
    const settings = this.settings()
    const records = (await this.lines()).map((line) =>
      connector.unwrap(JSON.parse(line.toString())),
    )
    return new Map(
      records
        .map((record) => connector.normalise(record, settings))
        .map((draft) => [draft.externalId, draft]),
    )
  }

  /** Asserts that the catalogue contains exactly the supplier's current products. */
  async assertExact(): Promise<void> {
    const facts = ({ status, title, description, variants }: Facts): string =>
      `${status} "${title}" with ${variants} variants and the text ${createHash('sha256')
        .update(description ?? '')
        .digest('hex')
        .slice(0, 8)}`
    const wanted = new Map(
      [...(await this.drafts())].map(([id, draft]) => [
        id,
        facts({ ...draft, variants: draft.variants.length }),
      ]),
    )
    const rows = await this.query<Facts & { id: string }>(`
      select external_id as id, status, title, description, (select count(*)::integer from catalog.variants v
        where v.source_id = p.source_id and v.product_external_id = p.external_id and v.removed_at is null) as variants
      from catalog.products p where source_id = $1 and status <> 'removed'`)
    const found = new Map(rows.map((row) => [row.id, facts(row)]))
    const wrong = [...new Set([...wanted.keys(), ...found.keys()])].filter(
      (id) => wanted.get(id) !== found.get(id),
    )
    const shown = wrong
      .slice(0, 3)
      .map(
        (id) =>
          `${id} is ${found.get(id) ?? 'not there'}, where the supplier has ${wanted.get(id) ?? 'nothing'}`,
      )
    assert.equal(
      wrong.length,
      0,
      `${wrong.length} products are not as the supplier has them: ${shown.join('; ')}`,
    )
    assert.deepEqual(
      [...wanted.keys()].sort(),
      [...new Set(this.supplier.ids())].sort(),
      'the connector does not bring what the supplier lists',
    )
  }

  /** Asserts that no product was removed or counted as missing. */
  async assertNothingRemoved(productCount: number): Promise<void> {
    const rows = await this.query<{ there: number; missed: number }>(`select
      (select count(*)::integer from catalog.products where source_id = $1 and status <> 'removed') as there,
      (select count(*)::integer from catalog.misses where source_id = $1) as missed`)
    assert.deepEqual(
      rows[0],
      { there: productCount, missed: 0 },
      'products were removed, or counted as missing',
    )
  }

  /**
   * The place and the writer of each row of the product tables. Two equal lists mean that nothing
   * was written in between.
   */
  async snapshot(): Promise<string[]> {
    const { isExpiring = false } = this.subject
    const one = (table: string): string => {
      const version = (isExpiring ? EXPIRING_VERSIONS[table] : null) ?? ROW_VERSION
      return `select '${table} ' || ${version} as row from catalog.${table} where source_id = $1`
    }
    const rows = await this.query<{ row: string }>(TABLES.map(one).join(' union all '))
    return rows.map(({ row }) => row).sort()
  }

  async assertNothingWritten(before: readonly string[]): Promise<void> {
    const known = new Set(before)
    const after = await this.snapshot()
    const written = after.filter((row) => !known.has(row))
    const tables = [...new Set(written.map((row) => row.split(' ', 1)[0]))]
    assert.equal(written.length, 0, `${written.length} rows were written: ${tables.join(', ')}`)
    assert.equal(after.length, before.length, 'rows were deleted')
  }

  /** Returns true if the connector reported a complete fetch. */
  async isComplete(run: number): Promise<boolean> {
    const rows = await this.query<{ complete: boolean }>(
      `select complete from catalog.artifacts where source_id = $1 and run_id = ${run}`,
    )
    return rows[0]?.complete ?? false
  }

  async parts(run: number): Promise<ArchivedPart[]> {
    const { id } = await this.pipeline.source()
    return listParts(this.pipeline.tools.db, id, run)
  }

  /** Runs a query. `sql` gets the id of the source as $1. */
  async query<Row>(sql: string): Promise<Row[]> {
    const { id } = await this.pipeline.source()
    return this.pipeline.query<Row>(sql, id)
  }
}

/** The source whose secrets the checks read without a pipeline. */
export const ANY_SOURCE = 'conformance'

/** Returns the values of the environment that `source` reads. */
export function valuesOf(
  { credentials = {}, secrets = {} }: Pick<Subject, 'credentials' | 'secrets'>,
  source = ANY_SOURCE,
): CredentialValues {
  const own = Object.entries(secrets).map(([member, value]) => [
    sourceVariable(source, member),
    value,
  ])
  return { ...credentials, ...Object.fromEntries(own) }
}

/** Returns the subject's credentials, parsed by its connector. */
export function credentialsOf(subject: Omit<Subject, 'start'>): unknown {
  const parsed = parseCredentials(subject.connector.credentials, valuesOf(subject), ANY_SOURCE)
  assert.deepEqual(parsed.problems, [], 'the credentials of the subject are not valid')
  return parsed.credentials
}

/** The members of a product that are compared. */
interface Facts extends Pick<Draft, 'status' | 'title' | 'description'> {
  readonly variants: number
}

export function linesOf({ bytes }: Pick<Page, 'bytes'>): Buffer[] {
  const lines: Buffer[] = []
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (
    let from = 0, to = buffer.indexOf(10);
    to !== -1;
    from = to + 1, to = buffer.indexOf(10, from)
  )
    lines.push(buffer.subarray(from, to))
  return lines
}

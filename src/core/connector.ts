// The contract between Shelfsync and a supplier. One folder per supplier implements it; nothing
// else knows the supplier.

import type { z } from 'zod'
import type { CredentialSchema } from './credentials.ts'
import type { Http } from './http.ts'
import type { Json } from './json.ts'
import type { Draft } from './product.ts'

/** The position after a page, from which a later fetch resumes: any JSON, stored with each part. */
export type Cursor = Json

/**
 * The part of a source that a fetch covers: every product, the products that changed at or after
 * an instant, or named products. Only `all` and `since` can prove completeness; products that a
 * fetch by `keys` does not return are never counted as missing.
 */
export type Scope =
  | { readonly kind: 'all' }
  /** Epoch milliseconds. The caller has already subtracted the overlap. */
  | { readonly kind: 'since'; readonly sinceMs: number }
  /** External ids, as `identify` returns them, at least one and without duplicates. */
  | { readonly kind: 'keys'; readonly keys: readonly string[] }

export interface FetchRequest<Settings = unknown, Credentials = unknown> {
  readonly settings: Settings
  /** As the connector's `credentials` schema parsed them; they may be incomplete. */
  readonly credentials: Credentials
  /** One of the connector's `scopes`. */
  readonly scope: Scope
  /** The cursor of the last archived page, or null to start at the beginning. */
  readonly cursor: Cursor | null
  readonly http: Http
  /**
   * Reports a warning that is shown to the operator (schema drift, an odd header). Never a secret.
   */
  readonly warn: (message: string) => void
}

export interface Page {
  /**
   * Whole NDJSON lines, each ended by `\n`, exactly as they will be archived: one record a line. A
   * line that is too long to be held comes alone in pieces, one a page: the last piece ends with
   * `\n`, and only its page has a line count of 1 and a cursor that is kept.
   */
  readonly bytes: Uint8Array
  readonly lineCount: number
  /** Position after this page. Null: the fetch cannot resume here and starts again. */
  readonly cursor: Cursor | null
  /** The supplier's count of all records of this fetch, if it sends one. */
  readonly expected: number | null
  /**
   * The newest source time seen so far, epoch milliseconds: the next watermark if the run settles.
   */
  readonly watermarkMs: number | null
  /**
   * True on the last page only, and only when the supplier's own count or end marker proves that
   * nothing is missing. Always false for a scope of `keys`.
   */
  readonly complete: boolean
}

/**
 * Where a record lies in its archived line, and which bytes of it move without meaning anything.
 */
export interface Scan {
  /** The record's own JSON is `line[start, end)`. */
  readonly start: number
  readonly end: number
  /**
   * Pairs `from, to` (absolute, ascending, flat) inside the record that are left out of its hash.
   */
  readonly volatile: readonly number[]
}

/** A product found while trying a source out. */
export interface Sample {
  readonly title: string
  readonly price: string | null
}

export interface Recognition<Settings> {
  /** A name for the source, from the shop itself: lower-case words joined by hyphens. */
  readonly suggestedName: string
  readonly settings: Settings
}

export type ProbeRequest<Settings = unknown, Credentials = unknown> = Pick<
  FetchRequest<Settings, Credentials>,
  'settings' | 'credentials' | 'http'
>

/** An option of `shelfsync add` that sets one setting: `apiUrl` becomes `--api-url`. */
export interface AddOption {
  readonly setting: string
  /** Placeholder of the value in help, such as `url`. */
  readonly value: string
  readonly description: string
  /** The member of `credentials.variables` that provides the value when the option is absent. */
  readonly variable?: string
}

/** Everything Shelfsync needs to know about one kind of supplier. */
export interface Connector<Settings = unknown, Credentials = unknown> {
  /** Lower-case slug: the folder name, the `connector` column and the metric label. */
  readonly name: string
  /** One sentence for lists and help. */
  readonly title: string
  /** The settings of a source. They are stored and shown, so they hold no secret. */
  readonly settings: z.ZodType<Settings>
  /**
   * The environment variables that the connector reads. Settings, `.env.example`, docs, redaction,
   * `add` and `doctor` are driven by this list.
   */
  readonly credentials: CredentialSchema<Credentials>
  /** The options of `shelfsync add NAME`; any other setting is given by `--set`. */
  readonly options: readonly AddOption[]
  /**
   * Raised whenever `normalise` would make something else of the same record: the next full run
   * then looks at every record again.
   */
  readonly normaliserVersion: number
  /**
   * Members that move without meaning anything, as dotted paths with `*` for any index:
   * `meta.embedUrl`, `variants.*.updated_at`.
   */
  readonly volatilePaths: readonly string[]
  /**
   * Where an archived line has the id of its record, as dotted paths: read by the bytes alone when
   * the line cannot be parsed.
   */
  readonly idPaths: readonly string[]
  /** The scopes that `fetch` accepts, at least one. */
  readonly scopes: readonly Scope['kind'][]
  /**
   * The default schedule: a five-field cron expression, read in `zone`; on `fullOn` (0 Sunday … 6)
   * the run is full.
   */
  readonly schedule: {
    readonly cron: string
    readonly zone: string
    readonly fullOn: number | null
  }

  /**
   * Yields pages of raw NDJSON in order. Called again with the last archived page's cursor after
   * any failure with the action `retry`, so it never retries by itself. A clean end without a
   * `complete` page means that completeness could not be proved.
   *
   * @throws SyncError `source/…`
   */
  fetch(request: FetchRequest<Settings, Credentials>, signal: AbortSignal): AsyncIterable<Page>

  /**
   * One cheap request that succeeds when the supplier accepts the credentials. Required when a
   * credential is a secret.
   *
   * @throws SyncError `source/…`
   */
  probe?(request: ProbeRequest<Settings, Credentials>, signal: AbortSignal): Promise<void>

  /** The address that a source reads. Its secrets are sent there and nowhere else. */
  address(settings: Settings): string

  /**
   * Finds the record in an archived line by its bytes alone. Null when the line does not have the
   * usual form: it is then parsed and compared. A time is volatile only when it can be trusted at
   * `arrivedMs`, the instant at which the part was archived: a record whose time became unknown
   * must reach the database, which forgets the time that it knew.
   */
  scan(line: Uint8Array, arrivedMs: number): Scan | null

  /** The record inside a parsed line. @throws SyncError `record/…` when the line holds none. */
  unwrap(line: unknown): unknown

  /** The id of a record, however malformed the rest of it is, or null. */
  identify(record: unknown): string | null

  /**
   * Pure. @throws SyncError `record/…` when `record` is not the supplier's shape; the pipeline
   * quarantines it.
   */
  normalise(record: unknown, settings: Settings): Draft

  /**
   * Whether `address` belongs to this kind of supplier, by asking it. Absent: sources of this kind
   * are added by name.
   */
  recognise?(address: URL, http: Http, signal: AbortSignal): Promise<Recognition<Settings> | null>
}

// The contract between Shelfsync and a supplier. One folder per supplier implements it; nothing
// else knows the supplier.

import type { z } from 'zod'
import type { CredentialSchema } from './credentials.ts'
import type { Http } from './http.ts'
import type { Json } from './json.ts'
import type { RequestRules } from './limits.ts'
import type { Policy } from './policy.ts'
import type { Draft } from './product.ts'
import type { DefaultSchedule } from './schedule.ts'
import type { TypedKey } from './typed-key.ts'

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
  /** Parsed by the connector's `credentials` schema; they may be incomplete. */
  readonly credentials: Credentials
  /** Its kind is one of the connector's `scopes`. */
  readonly scope: Scope
  /** The cursor of the last archived page, or null to start at the beginning. */
  readonly cursor: Cursor | null
  readonly http: Http
  /**
   * Reads the lines of the newest complete fetch of the source, in the order in which they were
   * archived, without their line feeds. Without such a fetch it is empty, and it ends early when
   * the archive cannot be read. A connector that requests single documents uses it to make
   * conditional requests, and archives the line of an unchanged document again: each archive must
   * be able to rebuild the catalogue alone. Absent before a source exists.
   */
  readonly earlierLines?: () => AsyncIterable<Uint8Array>
  /**
   * Reports a warning that is shown to the operator and logged (schema drift, an odd header). Never
   * a secret, and no content of a record: the licence of a supplier may end, and a log stays.
   */
  readonly warn: (message: string) => void
}

export interface Page {
  /**
   * Whole NDJSON lines, each ended by `\n`, exactly as they are archived, with one record per line.
   * A line that is too long for memory is split over several pages that contain nothing else. Only
   * the last of them ends with `\n`, has a `lineCount` of 1 and a cursor that is stored.
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
 * The position of a record in its archived line, and the values in it that change although the
 * product does not.
 */
export interface Scan {
  /** The record's own JSON is `line[start, end)`. */
  readonly start: number
  readonly end: number
  /**
   * Byte ranges in the record that are excluded from its hash: `from, to, from, to …`, as ascending
   * offsets in the line.
   */
  readonly volatile: readonly number[]
}

/** A product shown by `shelfsync add` before the source is stored. */
export interface Sample {
  readonly title: string
  /** The page of the product. */
  readonly url: string | null
  readonly price: string | null
}

export interface Recognition<Settings> {
  /** A name for the source, from the shop itself: lower-case words joined by hyphens. */
  readonly suggestedName: string
  readonly settings: Settings
  /**
   * The facts by which it was recognised, as a sentence without its full stop: `sitemap.xml lists
   * 312 pages; 3 of 3 that were read state a product`.
   */
  readonly found?: string
  /** Products that were read on the way. Without them, `add` reads some as a sync would. */
  readonly samples?: readonly Sample[]
}

export type ProbeRequest<Settings = unknown, Credentials = unknown> = Pick<
  FetchRequest<Settings, Credentials>,
  'settings' | 'credentials' | 'http'
>

export interface RuleRequest<Settings = unknown, Credentials = unknown> {
  readonly url: URL
  /** Null until a source is known, while an address is being recognised. */
  readonly settings: Settings | null
  readonly credentials: Credentials | null
}

/** An option of `shelfsync add` that sets one setting: `apiUrl` becomes `--api-url`. */
export interface AddOption {
  readonly setting: string
  /** Placeholder of the value in help, such as `url`. */
  readonly value: string
  readonly description: string
  /** The member of `credentials.variables` that provides the value when the option is absent. */
  readonly variable?: string
}

/**
 * The batches of a fetch by keys. A batch whose attempts have all failed is left out, and the fetch
 * continues with the next one. The pipeline requests it once more at the end.
 */
export interface KeyBatches {
  readonly productsPerRequest: number
  /** The least wait before each retry of a batch. After the last one, the batch has failed. */
  readonly delaysMs: readonly number[]
  /**
   * The batches that a fetch of these keys requests from `cursor` on, in order. The keys are those
   * of the scope, in their order.
   */
  list(keys: readonly string[], cursor: Cursor | null): readonly KeyBatch[]
}

export interface KeyBatch {
  readonly keys: readonly string[]
  /** The cursor from which a fetch continues after this batch. */
  readonly after: Cursor
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
  /**
   * Returns true if a source with these settings uses the credentials. Without this method, every
   * source does. A source that does not use them never receives them.
   */
  usesCredentials?(settings: Settings): boolean
  /**
   * Returns what the operator should do about a source soon, one sentence each, such as about a
   * permission that ends. `doctor` shows it; `fetch` warns of it.
   */
  listNotices?(settings: Settings, nowMs: number): readonly string[]
  /** The setting that holds the address; `shelfsync sources set NAME --url` changes it. */
  readonly addressSetting: string
  /** The options of `shelfsync add NAME`; any other setting is given by `--set`. */
  readonly options: readonly AddOption[]
  /**
   * Increase it whenever `normalise` returns a different draft for the same record. The next full
   * run then normalises every record again, including unchanged ones.
   */
  readonly normaliserVersion: number
  /**
   * Members that change although the product does not, as dotted paths with `*` for any index:
   * `meta.embedUrl`, `variants.*.updated_at`. A change of these alone writes no row.
   */
  readonly volatilePaths: readonly string[]
  /**
   * Dotted paths of the record's id in an archived line. They are used when the line cannot be
   * parsed as a whole.
   */
  readonly idPaths: readonly string[]
  /** The scopes that `fetch` accepts, at least one. */
  readonly scopes: readonly Scope['kind'][]
  /** The scopes of a source with these settings. Without this method, all of `scopes`. */
  scopesOf?(settings: Settings): readonly Scope['kind'][]
  /** The default schedule of a source. */
  readonly schedule: DefaultSchedule
  /**
   * The policy of a new source where it differs from the defaults, such as what the supplier's
   * licence allows. It is stored with the source; the operator may change it.
   */
  readonly policy?: Partial<Policy>

  /**
   * The limits of a request, which hold across all workers. By default each host gets one request
   * at a time, and one a second.
   */
  rules?(request: RuleRequest<Settings, Credentials>): RequestRules

  /** Present where the supplier returns several named products in one response. */
  readonly batches?: KeyBatches

  /**
   * Yields pages of raw NDJSON in order. It must not retry: after an error with the action `retry`,
   * the pipeline calls it again with the cursor of the last archived page. If it ends without a
   * `complete` page, the fetch counts as incomplete and no product is removed.
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

  /**
   * The URL that a source reads. The pipeline releases the secrets of the source only for this
   * address.
   */
  address(settings: Settings): string

  /**
   * The URLs that receive the secrets, when `address` is not the only one: those of a service
   * through which the source is read, or of a server that issues tokens. At least one; the key is
   * checked at the first.
   */
  secretsAddresses?(settings: Settings, credentials: Credentials): readonly string[]

  /**
   * Finds the record in an archived line without parsing it. Returns null when the line does not
   * have the usual form; the pipeline then parses it. `arrivedMs` is the time at which the part was
   * archived, in epoch milliseconds. A time in the record may be `volatile` only when it can be
   * trusted at `arrivedMs`: a record whose time became unknown must reach the database, which then
   * clears the stored time. A time that can be trusted at one instant can be trusted at every later
   * one.
   */
  scan(line: Uint8Array, arrivedMs: number): Scan | null

  /** Returns the record inside a parsed line. @throws SyncError `record/…` when there is none */
  unwrap(line: unknown): unknown

  /**
   * Reads what a person types to name a product, such as the address of its page, without blanks
   * around it. Returns the id as `identify` does, or what is wrong. Pure: requests nothing. Without
   * this method, the text is the id. Callers use `readTypedKey`.
   */
  parseKey?(text: string, settings: Settings): TypedKey

  /** Returns the id of a record, even when the rest of the record is malformed, or null. */
  identify(record: unknown): string | null

  /**
   * Converts a record into a draft. Pure. @throws SyncError `record/…` when the record does not
   * match the supplier's format; the pipeline quarantines it
   */
  normalise(record: unknown, settings: Settings): Draft

  /**
   * Requests `address` to find out if it belongs to this kind of supplier, and returns null when it
   * does not. Without this method, sources are added by the name of the connector. `credentials`
   * are the shared ones; null when they may not be used.
   *
   * @throws SyncError `source/…` with the reason why this kind of supplier cannot be read there
   */
  recognise?(
    address: URL,
    http: Http,
    signal: AbortSignal,
    credentials?: Credentials | null,
  ): Promise<Recognition<Settings> | null>
}

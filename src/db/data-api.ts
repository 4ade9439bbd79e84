// The database of a Supabase project through its Data API: functions of schema `pipeline`, one
// transaction for each call.

import { DataApiClient } from '../lib/data-api-client.ts'
import { createRedactor } from '../telemetry/redact.ts'
import type { Args } from './catalog.ts'
import { translateErrors } from './errors.ts'
import type { PipelineDb, TakeHash } from './pipeline-db.ts'
import { readKnownPages } from './read/known-hashes.ts'
import type { BatchWriter, WriterOptions } from './write/batch-writer.ts'
import { DataApiWriter } from './write/data-api-writer.ts'

export interface DataApiOptions {
  /** The address of the project. */
  readonly url: string
  /** See `DataApiClient`. */
  readonly secretKey: string
  /** Other secrets that its messages may quote, for example from a record. */
  readonly secrets?: readonly string[]
}

export class DataApi implements PipelineDb {
  readonly host: string
  readonly #client: DataApiClient

  constructor({ url, secretKey, secrets = [] }: DataApiOptions) {
    this.#client = new DataApiClient({
      url,
      secretKey,
      redact: createRedactor([secretKey], secrets),
    })
    this.host = this.#client.host
  }

  call<Row>(name: string, args: Args, timeoutMs?: number): Promise<Row[]> {
    return translateErrors(this.#client.call<Row>(name, args, timeoutMs))
  }

  readKnownHashes(sourceId: number, take: TakeHash): Promise<void> {
    return readKnownPages(this, sourceId, take)
  }

  openWriter(options: WriterOptions): BatchWriter {
    return new DataApiWriter(this, options)
  }

  /** @throws SyncError `db/not-migrated` when the project does not have Shelfsync's functions */
  listAppliedVersions(): Promise<string[]> {
    return this.call<string>('list_applied_versions', {})
  }

  /** Does nothing: only the owner of the tables may analyse them, and autovacuum does it soon. */
  analyzeAfterLoad(): Promise<void> {
    return Promise.resolve()
  }
}

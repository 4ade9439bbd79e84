// Reads the record hashes of a source: streamed in binary through a session, so that millions cost
// neither memory nor parsing, or in pages through the Data API.

import { to as copyTo } from 'pg-copy-streams'
import { type Catalog, one, toBytes } from '../catalog.ts'
import type { TakeHash } from '../pipeline-db.ts'
import type { DbClient } from '../transaction.ts'

// A binary COPY begins with an 11-byte signature and two int4: flags, and the length of an
// extension (none).
const HEADER_BYTES = 19
// Field count, then for each of seq and record_hash its length and its value.
const ROW_BYTES = 2 + 4 + 4 + 4 + 16

/** About 0.8 MB of hex. */
const PAGE_RECORDS = 20_000
const PAGE_RECORD_BYTES = 4 + 16

/** Streams the hashes through a session. Close the connection if this fails. */
export async function copyKnownHashes(
  client: DbClient,
  sourceId: number,
  take: TakeHash,
): Promise<void> {
  // Sources' ids are integers, never text.
  const stream = client.query(
    copyTo(
      `copy (select * from catalog.list_known_records(${Math.trunc(sourceId)})) to stdout (format binary)`,
    ),
  )
  let rest: Buffer = Buffer.alloc(0)
  let skip = HEADER_BYTES
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let at = Math.min(skip, bytes.length)
    skip -= at
    for (; at + ROW_BYTES <= bytes.length; at += ROW_BYTES)
      take(bytes.subarray(at + 14, at + ROW_BYTES), bytes.readInt32BE(at + 6))
    rest = bytes.subarray(at)
  }
}

/** Reads the hashes in pages, one call each. */
export async function readKnownPages(db: Catalog, sourceId: number, take: TakeHash): Promise<void> {
  for (let after: string | null = ''; after !== null;) {
    const page: KnownPage = one(
      await db.call<KnownPage>('list_known_records_page', {
        source: sourceId,
        after,
        limit: PAGE_RECORDS,
      }),
    )
    const bytes = toBytes(page.records)
    for (let at = 0; at < bytes.length; at += PAGE_RECORD_BYTES)
      take(bytes.subarray(at + 4, at + PAGE_RECORD_BYTES), bytes.readInt32BE(at))
    after = page.last
  }
}

interface KnownPage {
  readonly last: string | null
  /** Number and hash of each product. */
  readonly records: string
}

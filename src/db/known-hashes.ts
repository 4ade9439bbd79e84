// Streams the record hashes of a source out of Postgres in binary, so that reading millions costs neither memory nor parsing.

import { to as copyTo } from 'pg-copy-streams'
import type { Db } from './pool.ts'

// A binary COPY begins with an 11-byte signature and two int4: flags, and the length of an extension (none).
const HEADER_BYTES = 19
// Field count, then for each of seq and record_hash its length and its value.
const ROW_BYTES = 2 + 4 + 4 + 4 + 16

/** Calls `take` for each product that is not removed: its 16-byte record hash, which is valid during the call. Sources' ids are integers, never text. */
export async function readKnownHashes(db: Db, sourceId: number, take: (hash: Uint8Array, seq: number) => void): Promise<void> {
  const client = await db.connect()
  try {
    const stream = client.query(copyTo(`copy (select * from catalog.known_records(${Math.trunc(sourceId)})) to stdout (format binary)`))
    let rest: Buffer = Buffer.alloc(0)
    let skip = HEADER_BYTES
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      let at = Math.min(skip, bytes.length)
      skip -= at
      for (; at + ROW_BYTES <= bytes.length; at += ROW_BYTES) take(bytes.subarray(at + 14, at + ROW_BYTES), bytes.readInt32BE(at + 6))
      rest = bytes.subarray(at)
    }
    client.release()
  } catch (error) {
    client.release(true)
    throw error
  }
}

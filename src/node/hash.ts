// Hashes of records and files. A record's hash omits volatile bytes, so that a record with only a
// new timestamp counts as unchanged.

// As a whole: Deno 2.1 lacks `hash`, and refuses a module that imports it by name.
import * as crypto from 'node:crypto'
import type { Scan } from '../core/connector.ts'

/** Length of a record hash: half a SHA-256. A collision by chance takes about 2⁶⁴ records. */
export const RECORD_HASH_BYTES = 16

/**
 * Returns the hash of the record that `scan` found in `line`, without its volatile spans: 16 bytes.
 * `scratch` is overwritten; a record that does not fit is hashed piecewise, with the same result.
 */
export function hashRecord(
  line: Uint8Array,
  { start, end, volatile }: Scan,
  scratch: Uint8Array,
): Uint8Array {
  if (volatile.length === 0) return toBytes(digestSha256(line.subarray(start, end), 'binary'))
  if (end - start > scratch.byteLength) return hashPieces(line, start, end, volatile)
  let size = 0
  let from = start
  for (let i = 0; i < volatile.length; i += 2) {
    const to = volatile[i] ?? end
    scratch.set(line.subarray(from, to), size)
    size += to - from
    from = volatile[i + 1] ?? end
  }
  scratch.set(line.subarray(from, end), size)
  return toBytes(digestSha256(scratch.subarray(0, size + end - from), 'binary'))
}

/** Returns the SHA-256 in the given form; `binary` has one character for each byte. */
export const digestSha256: (
  content: string | Uint8Array,
  form: 'binary' | 'hex' | 'base64',
) => string =
  typeof crypto.hash === 'function'
    ? (content, form) => crypto.hash('sha256', content, form)
    : (content, form) => crypto.createHash('sha256').update(content).digest(form)

/** Returns the 32 bytes of the SHA-256. */
export function hashSha256(bytes: Uint8Array): Uint8Array {
  return Buffer.from(digestSha256(bytes, 'binary'), 'latin1')
}

/** Returns the SHA-256 of a text as 64 hexadecimal digits. */
export function hashText(text: string): string {
  return digestSha256(text, 'hex')
}

function hashPieces(
  line: Uint8Array,
  start: number,
  end: number,
  volatile: readonly number[],
): Uint8Array {
  const sum = crypto.createHash('sha256')
  let from = start
  for (let i = 0; i < volatile.length; i += 2) {
    sum.update(line.subarray(from, volatile[i] ?? end))
    from = volatile[i + 1] ?? end
  }
  return toBytes(sum.update(line.subarray(from, end)).digest('binary'))
}

// Uses a string, because the Buffer that `hash` can return is outside the heap and costs 1.7 µs
// more, a quarter of the total.
function toBytes(digest: string): Uint8Array {
  const bytes = new Uint8Array(RECORD_HASH_BYTES)
  for (let i = 0; i < RECORD_HASH_BYTES; i++) bytes[i] = digest.charCodeAt(i)
  return bytes
}

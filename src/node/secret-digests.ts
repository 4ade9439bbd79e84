// Comparison of the secrets of callers in a time that does not depend on them.

import { timingSafeEqual } from 'node:crypto'
import { hashSha256 } from './hash.ts'

export function digestSecrets(secrets: readonly string[]): Uint8Array[] {
  return secrets.map((secret) => hashSha256(Buffer.from(secret)))
}

/**
 * Returns true if one of the secrets equals `given`, the value of a header. It compares with every
 * secret, so that the duration reveals neither which one matched nor how far.
 */
export function isAnyOf(digests: readonly Uint8Array[], given: string): boolean {
  // Header values are decoded as Latin-1.
  const digest = hashSha256(Buffer.from(given, 'latin1'))
  let found = false
  for (const secret of digests) found = timingSafeEqual(secret, digest) || found
  return found
}

// Comparison of secrets in a time that does not depend on them, in web standards.

const ENCODER = new TextEncoder()

/**
 * Returns the index of the secret that equals `given`, or -1. It compares digests, with every
 * secret, so that the duration reveals neither which one matched nor how far.
 */
export async function findSecret(secrets: readonly string[], given: string): Promise<number> {
  const digest = await digestOf(given)
  let found = -1
  for (const [index, secret] of secrets.entries()) {
    const other = await digestOf(secret)
    let difference = 0
    for (const [at, byte] of digest.entries()) difference |= byte ^ (other[at] ?? 0)
    found = difference === 0 ? index : found
  }
  return found
}

async function digestOf(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', ENCODER.encode(text)))
}

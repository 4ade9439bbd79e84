// Encodings of a secret, so that it can be removed from text of other systems. Remove secrets
// before text is shortened: part of a secret matches no encoding.

/** Shorter pieces of base64 occur in ordinary words. */
const BASE64_PIECE_MIN = 10

/**
 * Returns `secret` plain, URL-encoded, in base64 (also inside a longer value), in hexadecimal and
 * escaped for JSON.
 */
export function listSpellings(secret: string): string[] {
  const encoded = encodeURIComponent(secret.toWellFormed())
  const bytes = new TextEncoder().encode(secret)
  const base64 = toBase64(bytes)
  const json = JSON.stringify(secret).slice(1, -1)
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return [
    secret,
    encoded,
    encoded.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    encoded.replaceAll('%20', '+'),
    encodeURI(secret.toWellFormed()),
    new URLSearchParams([['', secret]]).toString().slice(1),
    base64,
    base64.replace(/=+$/, ''),
    encodeURIComponent(base64),
    toBase64Url(base64),
    ...listBase64Pieces(bytes),
    json,
    JSON.stringify(json).slice(1, -1),
    hex,
    hex.toUpperCase(),
  ]
}

/** Returns a function that replaces every spelling of `secrets` with `mark`. */
export function createHider(secrets: readonly string[], mark: string): (text: string) => string {
  const spellings = [...new Set(secrets.filter((secret) => secret !== '').flatMap(listSpellings))]
  // The longest first: otherwise the end of a secret that begins with another would remain.
  spellings.sort((a, b) => b.length - a.length)
  return (text) =>
    spellings.reduce((cleaned, spelling) => cleaned.replaceAll(spelling, () => mark), text)
}

/**
 * Returns the part of the base64 text of any longer value that depends on these bytes only, at each
 * of three alignments.
 */
function listBase64Pieces(bytes: Uint8Array): string[] {
  const pieces = [0, 1, 2].map((shift) => {
    const shifted = new Uint8Array(shift + bytes.length)
    shifted.set(bytes, shift)
    return toBase64(shifted).slice(Math.ceil((shift * 8) / 6), Math.floor((shifted.length * 8) / 6))
  })
  return pieces
    .filter(({ length }) => length >= BASE64_PIECE_MIN)
    .flatMap((piece) => [piece, toBase64Url(piece)])
}

function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
}

function toBase64Url(base64: string): string {
  return base64.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

// The spellings in which a secret travels, so that a text from outside that quotes one can be
// cleaned. Clean a text before it is cut: half a secret matches no spelling.

/** Shorter pieces of base64 appear in ordinary words. */
const BASE64_PIECE_MIN = 10

/**
 * `secret` as it is, URL-encoded, in base64 (also inside a longer value), in hexadecimal and
 * escaped for JSON.
 */
export function spellingsOf(secret: string): string[] {
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
    ...base64PiecesOf(bytes),
    json,
    JSON.stringify(json).slice(1, -1),
    hex,
    hex.toUpperCase(),
  ]
}

/** A function that replaces every spelling of `secrets` by `mark`. */
export function createHider(secrets: readonly string[], mark: string): (text: string) => string {
  const spellings = [...new Set(secrets.filter((secret) => secret !== '').flatMap(spellingsOf))]
  // The longest first, or a secret that begins with another would leave its tail behind.
  spellings.sort((a, b) => b.length - a.length)
  return (text) =>
    spellings.reduce((cleaned, spelling) => cleaned.replaceAll(spelling, () => mark), text)
}

/**
 * What base64 of any longer value shows of these bytes: the letters that the bytes decide alone, at
 * each of three alignments.
 */
function base64PiecesOf(bytes: Uint8Array): string[] {
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

// The type of an image by its first bytes. The declared type and the ending of the address may lie,
// and SVG and HTML can run scripts where they are shown, so nothing else is trusted.

export type ImageType = 'image/jpeg' | 'image/png' | 'image/gif' | 'image/webp' | 'image/avif'

export const EXTENSIONS: Readonly<Record<ImageType, string>> = {
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/gif': 'gif',
  'image/webp': 'webp',
  'image/avif': 'avif',
}

/** As many bytes as `findImageType` needs. */
export const TYPE_BYTES = 64

/** Returns the type of an image that begins with `bytes`, or null for anything else. */
export function findImageType(bytes: Uint8Array): ImageType | null {
  if (startsWith(bytes, [0xff, 0xd8, 0xff])) return 'image/jpeg'
  if (startsWith(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return 'image/png'
  const start = String.fromCharCode(...bytes.subarray(0, TYPE_BYTES))
  if (/^GIF8[79]a/.test(start)) return 'image/gif'
  if (/^RIFF[^]{4}WEBPVP8[ LX]/.test(start)) return 'image/webp'
  // An ISO media file whose brands include still or moving AV1 pictures: AVIF 1.1, section 6.
  if (/^[^]{4}ftyp/.test(start)) return findBrand(bytes, start) ? 'image/avif' : null
  return null
}

function findBrand(bytes: Uint8Array, start: string): boolean {
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
  const brands = start.slice(8, Math.min(size, TYPE_BYTES))
  for (let at = 0; at < brands.length; at += 4)
    if (/^avi[fs]$/.test(brands.slice(at, at + 4))) return true
  return false
}

function startsWith(bytes: Uint8Array, start: readonly number[]): boolean {
  return bytes.length >= start.length && start.every((byte, index) => bytes[index] === byte)
}

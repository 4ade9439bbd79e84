// The width and height in an image's header. Nothing is decoded, and a header that is damaged or
// unusual only means that the size is unknown.

import type { ImageType } from './image-type.ts'

export interface ImageSize {
  readonly width: number
  readonly height: number
}

/** Boxes and segments that are looked at before the size counts as unknown. */
const STEPS_MAX = 500
/** The `ispe` box of an AVIF is in its first kilobytes, before the picture. */
const AVIF_HEAD_BYTES = 64 * 1024

/** Returns the size in pixels, or null. */
export function findImageSize(bytes: Uint8Array, type: ImageType): ImageSize | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    const size = READERS[type](view, bytes)
    return size !== null && size.width > 0 && size.height > 0 ? size : null
  } catch (error) {
    // The header ends too early.
    if (error instanceof RangeError) return null
    throw error
  }
}

type Reader = (view: DataView, bytes: Uint8Array) => ImageSize | null

const READERS: Readonly<Record<ImageType, Reader>> = {
  'image/png': (view) => ({ width: view.getUint32(16), height: view.getUint32(20) }),
  'image/gif': (view) => ({ width: view.getUint16(6, true), height: view.getUint16(8, true) }),
  'image/jpeg': readJpeg,
  'image/webp': readWebp,
  'image/avif': readAvif,
}

/** Walks over the segments to the start of the frame: ITU-T T.81, annex B. */
function readJpeg(view: DataView): ImageSize | null {
  let at = 2
  for (let step = 0; step < STEPS_MAX; step++) {
    if (view.getUint8(at) !== 0xff) return null
    const marker = view.getUint8(at + 1)
    // A marker may be padded with any number of 0xff.
    if (marker === 0xff) at += 1
    else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
      return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) }
    else at += 2 + view.getUint16(at + 2)
  }
  return null
}

/** https://developers.google.com/speed/webp/docs/riff_container */
function readWebp(view: DataView): ImageSize | null {
  const kind = view.getUint8(15)
  if (kind === 0x58) return { width: readUint24(view, 24) + 1, height: readUint24(view, 27) + 1 }
  if (kind === 0x4c) {
    const bits = view.getUint32(21, true)
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
  }
  return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff }
}

function readUint24(view: DataView, at: number): number {
  return view.getUint16(at, true) | (view.getUint8(at + 2) << 16)
}

/** The largest `ispe` box is that of the picture; others are those of its tiles and thumbnail. */
function readAvif(view: DataView, bytes: Uint8Array): ImageSize | null {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, AVIF_HEAD_BYTES))
  let largest: ImageSize | null = null
  let at = head.indexOf('ispe')
  for (let step = 0; at !== -1 && step < STEPS_MAX; step++) {
    const size = { width: view.getUint32(at + 8), height: view.getUint32(at + 12) }
    if (largest === null || size.width * size.height > largest.width * largest.height)
      largest = size
    at = head.indexOf('ispe', at + 4)
  }
  return largest
}

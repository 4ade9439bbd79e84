// Small pictures of each type. The header is that of a real file; the rest is noise made of the seed.

import { createHash } from 'node:crypto'
import { crc32, deflateSync } from 'node:zlib'

export interface Picture {
  readonly bytes: Buffer
  readonly type: string
}

export const SIZE = { width: 640, height: 480 }

const PNG_START = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

/** The same ending and seed make the same bytes. */
export function makePicture(ending: string, seed: string): Picture {
  const noise = createHash('sha512').update(seed).digest()
  if (ending === 'png') return { bytes: makePng(noise), type: 'image/png' }
  if (ending === 'gif') return { bytes: makeGif(noise), type: 'image/gif' }
  if (ending === 'webp') return { bytes: makeWebp(noise), type: 'image/webp' }
  if (ending === 'avif') return { bytes: makeAvif(noise), type: 'image/avif' }
  return { bytes: makeJpeg(noise), type: 'image/jpeg' }
}

function makeJpeg(noise: Buffer): Buffer {
  const jfif = segment(0xe0, Buffer.from('JFIF\0\x01\x01\0\0\x01\0\x01\0\0', 'latin1'))
  const comment = segment(0xfe, noise)
  const frame = segment(
    0xc0,
    Buffer.from([8, ...uint16(SIZE.height), ...uint16(SIZE.width), 1, 1, 0x11, 0]),
  )
  return Buffer.concat([Buffer.from([0xff, 0xd8]), jfif, comment, frame, Buffer.from([0xff, 0xd9])])
}

function segment(marker: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0xff, marker, ...uint16(content.length + 2)]), content])
}

function makePng(noise: Buffer): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(SIZE.width, 0)
  header.writeUInt32BE(SIZE.height, 4)
  header.set([8, 0, 0, 0, 0], 8)
  const rows = Buffer.alloc((SIZE.width + 1) * SIZE.height)
  rows.set(noise, 1)
  return Buffer.concat([
    PNG_START,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(name: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), content])
  return Buffer.concat([uint32(content.length), body, uint32(crc32(body))])
}

function makeGif(noise: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt16LE(SIZE.width, 0)
  size.writeUInt16LE(SIZE.height, 2)
  return Buffer.concat([
    Buffer.from('GIF89a'),
    size,
    Buffer.from([0, 0, 0]),
    noise,
    Buffer.from(';'),
  ])
}

function makeWebp(noise: Buffer): Buffer {
  const extended = Buffer.alloc(10)
  extended.writeUIntLE(SIZE.width - 1, 4, 3)
  extended.writeUIntLE(SIZE.height - 1, 7, 3)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(10, 0)
  const body = Buffer.concat([Buffer.from('WEBPVP8X'), length, extended, noise])
  const total = Buffer.alloc(4)
  total.writeUInt32LE(body.length, 0)
  return Buffer.concat([Buffer.from('RIFF'), total, body])
}

function makeAvif(noise: Buffer): Buffer {
  const brands = Buffer.concat([Buffer.from('avif'), uint32(0), Buffer.from('mif1avif')])
  const size = Buffer.concat([uint32(0), uint32(SIZE.width), uint32(SIZE.height)])
  return Buffer.concat([box('ftyp', brands), box('meta', box('ispe', size)), box('mdat', noise)])
}

function box(name: string, content: Buffer): Buffer {
  return Buffer.concat([uint32(content.length + 8), Buffer.from(name, 'latin1'), content])
}

function uint16(value: number): [number, number] {
  return [value >> 8, value & 0xff]
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

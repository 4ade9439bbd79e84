// The pictures of the documentation: each exists, is described, has its size, and is taken by
// `npm run screenshots`.

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  PICTURE_BYTES_MAX,
  PICTURE_SIZE,
  PICTURE_THEMES,
  PICTURES,
  toPictureFile,
} from '../scripts/support/pictures.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const taken = PICTURES.flatMap((picture) =>
  PICTURE_THEMES.map((theme) => toPictureFile(picture, theme)),
)

/** The pictures of a page in HTML, each with the attributes of its tags. */
function listPictures(page: string): { file: string; tag: string; isImage: boolean }[] {
  const text = readFileSync(join(root, page), 'utf8')
  return Array.from(
    text.matchAll(/<(img|source)\b[^>]*\bsrc(?:set)?="([^"]+)"[^>]*>/g),
    ([tag, name, file = '']) => ({
      tag,
      file: normalize(join(page, '..', file)),
      isImage: name === 'img',
    }),
  )
}

const pages = globSync(['README.md', 'docs/**/*.md'], { cwd: root })

test('every picture of a page is taken by the command, described, and has its size', () => {
  const shown = pages.flatMap(listPictures)
  assert.ok(shown.length > 0)
  for (const { file, tag, isImage } of shown) {
    assert.ok(taken.includes(file), file)
    if (!isImage) continue
    assert.match(tag, /\balt="[^"]{20,}"/)
    const { width, height } = PICTURE_SIZE
    assert.match(tag, new RegExp(`\\bwidth="${width}" height="${height}"`))
  }
  const unused = taken.filter((file) => !shown.some((one) => one.file === file))
  assert.deepEqual(unused, [])
})

test('every picture exists, is small, and has its size', () => {
  assert.deepEqual(globSync('docs/images/*', { cwd: root }).toSorted(), taken.toSorted())
  for (const file of taken) {
    const bytes = readFileSync(join(root, file))
    assert.ok(bytes.length <= PICTURE_BYTES_MAX, `${file}: ${bytes.length} bytes`)
    assert.deepEqual(readWebpSize(bytes), [PICTURE_SIZE.width, PICTURE_SIZE.height], file)
  }
})

/** Width and height of a lossy WebP: https://developers.google.com/speed/webp/docs/riff_container */
function readWebpSize(bytes: Buffer): readonly [width: number, height: number] {
  assert.equal(bytes.toString('latin1', 8, 15), 'WEBPVP8')
  const isExtended = bytes[15] === 'X'.charCodeAt(0)
  return isExtended
    ? [bytes.readUIntLE(24, 3) + 1, bytes.readUIntLE(27, 3) + 1]
    : [bytes.readUInt16LE(26) & 0x3f_ff, bytes.readUInt16LE(28) & 0x3f_ff]
}

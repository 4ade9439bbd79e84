// Pictures of 37 × 21 pixels that Chromium wrote from a canvas, and the one of 2 × 2 that pages use to
// detect AVIF. The WebP files without an extended header have the data of the extended ones.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findImageSize } from './image-size.ts'
import { findImageType } from './image-type.ts'

const JPEG =
  '/9j/4AAQSkZJRgABAQAAAQABAAD/4gHYSUNDX1BST0ZJTEUAAQEAAAHIAAAAAAQwAABtbnRyUkdCIFhZWiAH4AAB' +
  'AAEAAAAAAABhY3NwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQAA9tYAAQAAAADTLQAAAAAAAAAAAAAAAAAA' +
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAlkZXNjAAAA8AAAACRyWFlaAAABFAAAABRnWFla' +
  'AAABKAAAABRiWFlaAAABPAAAABR3dHB0AAABUAAAABRyVFJDAAABZAAAAChnVFJDAAABZAAAAChiVFJDAAABZAAA' +
  'AChjcHJ0AAABjAAAADxtbHVjAAAAAAAAAAEAAAAMZW5VUwAAAAgAAAAcAHMAUgBHAEJYWVogAAAAAAAAb6IAADj1' +
  'AAADkFhZWiAAAAAAAABimQAAt4UAABjaWFlaIAAAAAAAACSgAAAPhAAAts9YWVogAAAAAAAA9tYAAQAAAADTLXBh' +
  'cmEAAAAAAAQAAAACZmYAAPKnAAANWQAAE9AAAApbAAAAAAAAAABtbHVjAAAAAAAAAAEAAAAMZW5VUwAAACAAAAAc' +
  'AEcAbwBvAGcAbABlACAASQBuAGMALgAgADIAMAAxADb/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBM' +
  'S0dARkVQWnNiUFVtVkVGZIhlbXd7gYKBTmCNl4x9lnN+gXz/2wBDARUXFx4aHjshITt8U0ZTfHx8fHx8fHx8fHx8' +
  'fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHz/wAARCAAVACUDASIAAhEBAxEB/8QAFwABAQEB' +
  'AAAAAAAAAAAAAAAAAAECBP/EABgQAQEBAQEAAAAAAAAAAAAAAAABERIx/8QAGAEBAAMBAAAAAAAAAAAAAAAAAAID' +
  'BAX/xAAaEQADAQEBAQAAAAAAAAAAAAAAAQIDERIh/9oADAMBAAIRAxEAPwDgtxOoWbEysucZue0zq63oq5K+F6is' +
  '5Wp4jrMSl5ZLG9Kb9oAKDQAAAAAAAf/Z'
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAACUAAAAVCAYAAADB5CeuAAAAYklEQVR4AezSsQkAIAwEwOAKjuJK4lDiSK7iDFql' +
  's/gikAReCCn84jktu8mNNkUCHpZCHyWP1KxdLAcV0lweKW3stSmFylOKUqgAmvv+qXGWWA5aRnPfUnrptVkKladU' +
  'aqkHAAD//9aecGcAAAAGSURBVAMA9G2F4W6QDA0AAAAASUVORK5CYII='
const WEBP_EXTENDED =
  'UklGRlICAABXRUJQVlA4WAoAAAAgAAAAJAAAFAAASUNDUMgBAAAAAAHIAAAAAAQwAABtbnRyUkdCIFhZWiAH4AAB' +
  'AAEAAAAAAABhY3NwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQAA9tYAAQAAAADTLQAAAAAAAAAAAAAAAAAA' +
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAlkZXNjAAAA8AAAACRyWFlaAAABFAAAABRnWFla' +
  'AAABKAAAABRiWFlaAAABPAAAABR3dHB0AAABUAAAABRyVFJDAAABZAAAAChnVFJDAAABZAAAAChiVFJDAAABZAAA' +
  'AChjcHJ0AAABjAAAADxtbHVjAAAAAAAAAAEAAAAMZW5VUwAAAAgAAAAcAHMAUgBHAEJYWVogAAAAAAAAb6IAADj1' +
  'AAADkFhZWiAAAAAAAABimQAAt4UAABjaWFlaIAAAAAAAACSgAAAPhAAAts9YWVogAAAAAAAA9tYAAQAAAADTLXBh' +
  'cmEAAAAAAAQAAAACZmYAAPKnAAANWQAAE9AAAApbAAAAAAAAAABtbHVjAAAAAAAAAAEAAAAMZW5VUwAAACAAAAAc' +
  'AEcAbwBvAGcAbABlACAASQBuAGMALgAgADIAMAAxADZWUDggZAAAANADAJ0BKiUAFQA+7W6wUimmJKKquAgBMB2J' +
  'QBieXARYAAihdA/8AAD+5iqg/zSIhhKjsgtrsxUzTIf+Bg4+5EaPXuBU0E3o3/F6QdSet/J2eXQfPUPjC6ZocTLp' +
  'eA1UCeAAAAA='
const WEBP_LOSSY =
  'UklGRnAAAABXRUJQVlA4IGQAAADQAwCdASolABUAPu1usFIppiSiqrgIATAdiUAYnlwEWAAIoXQP/AAA/uYqoP80' +
  'iIYSo7ILa7MVM0yH/gYOPuRGj17gVNBN6N/xekHUnrfydnl0Hz1D4wumaHEy6XgNVAngAAAA'
const WEBP_LOSSLESS =
  'UklGRjQAAABXRUJQVlA4TCgAAAAvJAAFAA9wo/aanYxz/oODgrZtmDEpf5L7H0FE/8dBRAQ7IOJHsb8C'
const AVIF =
  'AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUIAAADybWV0YQAAAAAAAAAoaGRscgAAAAAAAAAAcGljdAAA' +
  'AAAAAAAAAAAAAGxpYmF2aWYAAAAADnBpdG0AAAAAAAEAAAAeaWxvYwAAAABEAAABAAEAAAABAAABGgAAAB0AAAAo' +
  'aWluZgAAAAAAAQAAABppbmZlAgAAAAABAABhdjAxQ29sb3IAAAAAamlwcnAAAABLaXBjbwAAABRpc3BlAAAAAAAA' +
  'AAIAAAACAAAAEHBpeGkAAAAAAwgICAAAAAxhdjFDgQ0MAAAAABNjb2xybmNseAACAAIAAYAAAAAXaXBtYQAAAAAA' +
  'AAABAAEEAQKDBAAAACVtZGF0EgAKCBgANogQEAwgMg8f8D///8WfhwB8+ErK42A='
const GIF =
  'R0lGODlhJQAVAIAAAAAAAP///yH5BAEAAAAALAAAAAAlABUAAAIZhI+py+0Po5y02ouz3rz7D4biSJbmiaYqWAAAOw=='

const PICTURES = [
  ['image/jpeg', 37, 21, JPEG],
  ['image/png', 37, 21, PNG],
  ['image/gif', 37, 21, GIF],
  ['image/webp', 37, 21, WEBP_EXTENDED],
  ['image/webp', 37, 21, WEBP_LOSSY],
  ['image/webp', 37, 21, WEBP_LOSSLESS],
  ['image/avif', 2, 2, AVIF],
] as const

test('the type and the size of real files are found', () => {
  for (const [type, width, height, text] of PICTURES) {
    const bytes = Buffer.from(text, 'base64')
    assert.equal(findImageType(bytes), type)
    assert.deepEqual(findImageSize(bytes, type), { width, height }, type)
  }
})

test('a file that is cut or changed at any place never fails, and never takes long', () => {
  for (const [type, , , text] of PICTURES) {
    const bytes = Buffer.from(text, 'base64')
    for (let length = 0; length < bytes.length; length += 1) {
      findImageType(bytes.subarray(0, length))
      findImageSize(bytes.subarray(0, length), type)
      findImageSize(Buffer.from(bytes).fill(0xff, length), type)
      findImageSize(Buffer.from(bytes).fill(0, length), type)
    }
  }
})

test('other files are not images, also if they look like one from afar', () => {
  const others = [
    '',
    '<svg xmlns="http://www.w3.org/2000/svg"/>',
    '<!doctype html>',
    'GIF90a;',
    'RIFF....WAVEfmt ',
    '\0\0\0\x18ftypmp42\0\0\0\0mp42isom',
    '\0\0\0\x10ftypheic\0\0\0\0avif',
    '\x89PNG\n',
    'BM6',
    '%PDF-1.7',
  ]
  for (const text of others) assert.equal(findImageType(Buffer.from(text, 'latin1')), null, text)
})

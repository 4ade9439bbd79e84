// Tests the reading of one sitemap, in the forms that sites send.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { isSyncError } from '../../../test/support/error-matchers.ts'
import { readSitemap, type SitemapEntry } from './sitemap.ts'

async function read(text: string | Uint8Array, chunkBytes = 7): Promise<SitemapEntry[]> {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
  const body = async function* (): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
  }
  return Array.fromAsync(readSitemap(body(), 'The sitemap'))
}

const addresses = async (text: string | Uint8Array): Promise<string[]> =>
  (await read(text)).map(({ address }) => address)

test('the addresses of pages are read, and those of their images are not', async () => {
  const xml = `<?xml version="1.0"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="x">
<url><loc> https://a.example/1?a=1&amp;b=2 </loc><lastmod>2026-11-01</lastmod>
<image:image><image:loc>https://a.example/1.jpg</image:loc></image:image></url>
<!-- <url><loc>https://a.example/old</loc></url> --><url><loc><![CDATA[https://a.example/2&c]]></loc></url>
<url><image:loc>https://a.example/3.jpg</image:loc></url></urlset>`
  assert.deepEqual(await read(xml), [
    {
      kind: 'page',
      address: 'https://a.example/1?a=1&b=2',
      changedMs: Date.parse('2026-11-01'),
    },
    { kind: 'page', address: 'https://a.example/2&c', changedMs: null },
  ])
})

test('an index lists sitemaps, also with a prefix of its namespace', async () => {
  const xml =
    '<s:sitemapindex xmlns:s="x"><s:sitemap><s:loc>https://a.example/p.xml</s:loc></s:sitemap></s:sitemapindex>'
  assert.deepEqual(await read(xml), [
    { kind: 'sitemap', address: 'https://a.example/p.xml', changedMs: null },
  ])
})

test('a compressed file and a list of addresses in plain text are read', async () => {
  const xml = '<urlset><url><loc>https://a.example/1</loc></url></urlset>'
  assert.deepEqual(await addresses(gzipSync(xml)), ['https://a.example/1'])
  assert.deepEqual(await addresses('https://a.example/1\r\nhttps://a.example/2'), [
    'https://a.example/1',
    'https://a.example/2',
  ])
  assert.deepEqual(await addresses('<urlset/>'), [])
})

test('a notice before the XML and an unescaped `&` do no harm', async () => {
  const xml =
    '\ufeff\n<br /><b>Warning</b>: x in y.php\n<urlset><url><loc>https://a.example/?a=1&b=2</loc></url></urlset>'
  assert.deepEqual(await addresses(xml), ['https://a.example/?a=1&b=2'])
})

test('a sitemap that is not whole is never read as a shorter one', async () => {
  const xml = '<urlset><url><loc>https://a.example/1</loc></url><url><loc>https://a'
  await assert.rejects(read(xml), isSyncError('source/cut-short', /ends before its last element/))
  await assert.rejects(read(''), isSyncError('source/cut-short', /is empty/))
  const zipped = gzipSync('<urlset></urlset>'.padEnd(5_000, ' ')).subarray(0, 30)
  await assert.rejects(read(zipped), isSyncError('source/cut-short', /not valid gzip/))
})

test('a page in place of a sitemap is malformed', async () => {
  await assert.rejects(
    read('<!doctype html><title>Shop</title>'),
    isSyncError('source/malformed', /is not a sitemap/),
  )
})

test('entities of a DTD are not expanded, and an endless entry is refused', async () => {
  const bomb = `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><urlset><url><loc>https://a.example/&b;</loc></url></urlset>`
  assert.deepEqual(await addresses(bomb), ['https://a.example/&b;'])
  const endless = async function* (): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode('<urlset><url><loc>')
    for (;;) yield new Uint8Array(1024 * 1024).fill(97)
  }
  await assert.rejects(
    Array.fromAsync(readSitemap(endless(), 'The sitemap')),
    isSyncError('source/too-large', /has an entry of more than 4 MB/),
  )
})

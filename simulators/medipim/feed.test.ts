// Prerendered feeds: the benchmark relies on the exact differences between their variants.

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { prerenderFeed, serveFeed, type FeedOptions } from './feed.ts'
import { send, EVERYTHING, parseLines, type StreamLine } from './test-client.ts'

async function folderFor(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'feed-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}

async function feedOf(folder: string, variant: FeedOptions['variant']) {
  const feed = await prerenderFeed(
    { products: 300, ...(variant && { variant }) },
    join(folder, `${variant}.ndjson`),
  )
  return { feed, lines: parseLines(await readFile(feed.file, 'utf8')) }
}

const contentOf = ({ result }: StreamLine): object => ({ ...result, meta: null })

function byId(lines: readonly StreamLine[]): Map<string | undefined, StreamLine> {
  return new Map(lines.map((line) => [line.result.id, line]))
}

test('a feed is a complete, reproducible stream by touchedAt', async (t) => {
  const folder = await folderFor(t)
  const { feed, lines } = await feedOf(folder, 'first')
  assert.deepEqual([feed.lines, feed.bytes, lines.length], [300, (await stat(feed.file)).size, 300])
  assert.deepEqual(
    lines.map(({ meta }) => meta),
    Array.from({ length: 300 }, (_, index) => ({ total: 300, index })),
  )
  const times = lines.map(({ result }) => result.meta.updatedAt)
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  )
  assert.deepEqual((await feedOf(folder, 'first')).lines, lines)
})

test('in a moved feed, volatile members differ on every line and content on none', async (t) => {
  const folder = await folderFor(t)
  const first = byId((await feedOf(folder, 'first')).lines)
  const { lines } = await feedOf(folder, 'moved')
  assert.equal(lines.length, 299)
  for (const line of lines) {
    const before = first.get(line.result.id)
    assert.ok(before)
    assert.deepEqual(contentOf(line), contentOf(before))
    assert.notEqual(line.meta.total, before.meta.total)
    assert.notEqual(line.result.meta.embedUrl, before.result.meta.embedUrl)
    assert.ok(line.result.meta.updatedAt > before.result.meta.updatedAt)
  }
})

test('in a changed feed, exactly the requested share has other content', async (t) => {
  const folder = await folderFor(t)
  const first = byId((await feedOf(folder, 'first')).lines)
  const { feed, lines } = await feedOf(folder, 'changed')
  const text = (line: StreamLine): string => JSON.stringify(contentOf(line))
  const differing = lines.filter((line) => text(line) !== text(first.get(line.result.id) ?? line))
  assert.deepEqual([lines.length, differing.length], [300, 3])
  assert.deepEqual(
    differing.map(({ result }) => String(result.id)).toSorted(),
    feed.changed.toSorted(),
  )
})

test('a served feed is the file byte by byte, and can be replaced and cut', async (t) => {
  const folder = await folderFor(t)
  const { feed } = await feedOf(folder, 'first')
  const simulator = await serveFeed(feed.file, { rateLimit: null })
  t.after(simulator.close)
  const served = async (): Promise<Buffer> => {
    return Buffer.from(
      await (await send(simulator, '/v4/products/stream', EVERYTHING)).arrayBuffer(),
    )
  }
  assert.ok((await readFile(feed.file)).equals(await served()))
  simulator.setFeed((await feedOf(folder, 'moved')).feed.file)
  assert.equal(parseLines((await served()).toString()).length, 299)
  simulator.faults.set({ kind: 'cut', afterLines: 10 })
  assert.equal(parseLines((await served()).toString()).length, 10)
  assert.equal((await send(simulator, '/v4/products/stream', {})).status, 422)
  simulator.setFeed(null)
  assert.equal(parseLines((await served()).toString()).length, 1)
})

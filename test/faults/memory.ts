// Memory does not grow with the catalogue: a separate process syncs many small products, and the
// kernel reports its peak memory.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ENVIRONMENT, NODE_FLAGS } from '../../bin/launch.js'
import type { TestDatabase } from '../support/database.ts'
import type { Db } from '../../src/db/pool.ts'
import { openMedipim } from '../support/medipim.ts'
import type { Measured } from './measured-sync.ts'

const MEGABYTE = 1024 * 1024

/**
 * A feed of products with little more than an id, so that their number matters and not their text.
 */
async function writeSmallProducts(file: string, products: number): Promise<void> {
  const output = createWriteStream(file)
  for (let index = 0; index < products; index++) {
    const result = {
      id: `S${index}`,
      status: 'active',
      name: { en: `Small ${index}` },
      publicPrice: 100 + index,
      meta: { createdAt: 1, updatedAt: index, embedUrl: 'https://x.example' },
    }
    if (!output.write(`${JSON.stringify({ meta: { total: products, index }, result })}\n`))
      await once(output, 'drain')
  }
  output.end()
  await once(output, 'close')
}

interface MemoryCase {
  readonly products: number
  readonly peakMegabytes: number
}

/** Declares the test that so many products are loaded, and synced again, within the limit. */
export function testMemory(
  { pool: db, url: databaseUrl }: TestDatabase,
  { products, peakMegabytes }: MemoryCase,
): void {
  test(`${products.toLocaleString('en')} products are loaded and seen again within ${peakMegabytes} MB`, async (t) => {
    for (const peakBytes of await measureSyncs(t, db, databaseUrl, products)) {
      const peak = `${Math.round(peakBytes / MEGABYTE)} MB`
      t.diagnostic(peak)
      assert.ok(peakBytes < peakMegabytes * MEGABYTE, peak)
    }
  })
}

/** Returns the peak memory of the first load and of the same feed again, in bytes. */
async function measureSyncs(
  t: TestContext,
  db: Db,
  databaseUrl: string,
  products: number,
): Promise<number[]> {
  const peaks: number[] = []
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-memory-'))
  t.after(() => rm(folder, { recursive: true }))
  const { pipeline, simulator } = await openMedipim(t, { db })
  await writeSmallProducts(join(folder, 'feed.ndjson'), products)
  simulator.setFeed(join(folder, 'feed.ndjson'))
  for (const expected of [
    { created: products, unchanged: 0 },
    { created: 0, unchanged: products },
  ]) {
    const parameters = JSON.stringify({
      databaseUrl,
      source: pipeline.name,
      storeRoot: pipeline.storeRoot,
    })
    const program = fileURLToPath(new URL('measured-sync.ts', import.meta.url))
    // As bin/shelfsync starts it.
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [...NODE_FLAGS, program, parameters],
      {
        env: { ...process.env, ...ENVIRONMENT },
      },
    )
    const { state, reason, created, unchanged, peakBytes }: Measured = JSON.parse(stdout)
    assert.equal(state, 'succeeded', reason ?? '')
    assert.deepEqual({ created, unchanged }, expected)
    peaks.push(peakBytes)
  }
  return peaks
}

// The three feeds of the benchmark, rendered once and cached: a catalogue, the next day with every
// product touched but unchanged, and the next day with 1 % changed.

import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { prerenderFeed, type Feed } from '../simulators/medipim/feed.ts'

export const CASES = ['first-load', 'again', 'one-percent'] as const
export type Case = (typeof CASES)[number]

const VARIANTS = { 'first-load': 'first', again: 'moved', 'one-percent': 'changed' } as const

/** Returns the feed of a case, from the cache in `folder` or rendered now. */
export async function loadFeed(
  folder: string,
  products: number,
  which: Case,
  onProgress: (text: string) => void,
): Promise<Feed> {
  await mkdir(folder, { recursive: true })
  const file = join(folder, `${products}-${which}.ndjson`)
  const metadataFile = `${file}.json`
  if (existsSync(metadataFile)) return JSON.parse(await readFile(metadataFile, 'utf8')) as Feed
  onProgress(`rendering ${products} products for ${which} …`)
  const feed = await prerenderFeed({ products, variant: VARIANTS[which] }, `${file}.tmp`)
  await rename(feed.file, file)
  await writeFile(metadataFile, JSON.stringify({ ...feed, file, changed: [] }))
  return { ...feed, file }
}

// The three feeds of the bench, rendered once and kept: a catalogue, the same a day later with
// everything touched and nothing changed, and the same with 1 % changed.

import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { prerenderFeed, type Feed } from '../simulators/medipim/feed.ts'

export const CASES = ['first-load', 'again', 'one-percent'] as const
export type Case = (typeof CASES)[number]

const VARIANTS = { 'first-load': 'first', again: 'moved', 'one-percent': 'changed' } as const

/** The feed of a case with so many products, from the cache in `folder` when it is there. */
export async function loadFeed(
  folder: string,
  products: number,
  which: Case,
  onProgress: (text: string) => void,
): Promise<Feed> {
  await mkdir(folder, { recursive: true })
  const file = join(folder, `${products}-${which}.ndjson`)
  const about = `${file}.json`
  if (existsSync(about)) return JSON.parse(await readFile(about, 'utf8')) as Feed
  onProgress(`rendering ${products} products for ${which} …`)
  const feed = await prerenderFeed({ products, variant: VARIANTS[which] }, `${file}.tmp`)
  await rename(feed.file, file)
  await writeFile(about, JSON.stringify({ ...feed, file, changed: [] }))
  return { ...feed, file }
}

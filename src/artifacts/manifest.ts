// What an artifact is called, and the page that describes it: manifest.json, written beside the
// parts when the fetch is over, so that the bytes can be read without the database. A run folder
// without one was cut short.

import { z } from 'zod'
import { EXTENSIONS } from './codec.ts'
import { type PackedPart, Part } from './parts.ts'
import type { ArtifactStore } from './store.ts'

export const Manifest = z.strictObject({
  source: z.string(),
  run: z.string(),
  mode: z.enum(['full', 'incremental', 'refresh', 'import']),
  parts: z.array(Part),
  /** Whether the supplier's own count or end marker proved that nothing is missing. */
  complete: z.boolean(),
  /** How many records the supplier said there are, when it did. */
  expected: z.int().nonnegative().nullable(),
  lines: z.int().nonnegative(),
  rawBytes: z.int().nonnegative(),
  storedBytes: z.int().nonnegative(),
  /** The newest source time in it. */
  watermark: z.iso.datetime().nullable(),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  /** The version of Shelfsync that wrote it. */
  shelfsync: z.string(),
})
export type Manifest = z.infer<typeof Manifest>

/**
 * The run whose artifact it is. The date in a key is the UTC day on which the run began, also when
 * it is resumed later.
 */
export interface ArtifactRun {
  readonly source: string
  readonly run: string
  readonly startedAt: Date
}

/** `<source>/<yyyy>/<mm>/<dd>/<run>/`: the prefix of everything that a run archives. */
export function artifactPrefix({ source, run, startedAt }: ArtifactRun): string {
  return `${source}/${startedAt.toISOString().slice(0, 10).replaceAll('-', '/')}/${run}/`
}

/**
 * `…/part-00001-<checksum>.ndjson.zst`. The checksum's first 8 digits keep two workers apart that
 * archive the same part number: one that lost its lease cannot overwrite what the other has
 * archived.
 */
export function artifactKey(
  run: ArtifactRun,
  no: number,
  { sha256, codec }: Pick<PackedPart, 'sha256' | 'codec'>,
): string {
  return `${artifactPrefix(run)}part-${String(no).padStart(5, '0')}-${sha256.slice(0, 8)}.ndjson${EXTENSIONS[codec]}`
}

export function manifestKey(run: ArtifactRun): string {
  return `${artifactPrefix(run)}manifest.json`
}

/** Writes the manifest to its key; twice is safe. @throws SyncError `artifact/unwritable` */
export async function saveManifest(
  store: ArtifactStore,
  key: string,
  manifest: Manifest,
): Promise<void> {
  await store.put(key, Buffer.from(`${JSON.stringify(Manifest.parse(manifest), null, 2)}\n`))
}

// Keys of an artifact's parts, and its manifest.json, which is written after the fetch so that the
// parts can be read without the database. A run's folder without a manifest is incomplete.

import { z } from 'zod'
import { EXTENSIONS } from './codec.ts'
import { type PackedPart, Part } from './parts.ts'
import type { ArtifactStore } from './store.ts'

export const Manifest = z.strictObject({
  source: z.string(),
  run: z.string(),
  mode: z.enum(['full', 'incremental', 'refresh', 'import']),
  parts: z.array(Part),
  /** True when the supplier's count or end marker proved that no record is missing. */
  complete: z.boolean(),
  /** The supplier's count of records; null when it sent none. */
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

/** The run of an artifact. Keys contain the UTC day on which the run started, even when resumed. */
export interface ArtifactRun {
  readonly source: string
  readonly run: string
  readonly startedAt: Date
}

/** `<source>/<yyyy>/<mm>/<dd>/<run>/`: the prefix of all keys of a run. */
export function toArtifactPrefix({ source, run, startedAt }: ArtifactRun): string {
  return `${source}/${startedAt.toISOString().slice(0, 10).replaceAll('-', '/')}/${run}/`
}

/**
 * `…/part-00001-<checksum>.ndjson.zst`. With the first 8 digits of the checksum, a worker that lost
 * its lease cannot overwrite the part of its successor.
 */
export function toArtifactKey(
  run: ArtifactRun,
  no: number,
  { sha256, codec }: Pick<PackedPart, 'sha256' | 'codec'>,
): string {
  const name = `part-${String(no).padStart(5, '0')}-${sha256.slice(0, 8)}`
  return `${toArtifactPrefix(run)}${name}.ndjson${EXTENSIONS[codec]}`
}

export function toManifestKey(run: ArtifactRun): string {
  return `${toArtifactPrefix(run)}manifest.json`
}

/** Safe to repeat. @throws SyncError `artifact/unwritable` */
export async function saveManifest(
  store: ArtifactStore,
  key: string,
  manifest: Manifest,
): Promise<void> {
  await store.put(key, Buffer.from(`${JSON.stringify(Manifest.parse(manifest), null, 2)}\n`))
}

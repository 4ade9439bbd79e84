// The service's tables: buckets, and one row an object that names the file of its bytes. All is in
// one folder and survives a kill: a row is written whole or not at all, after its bytes.

import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join, relative } from 'node:path'

export interface BucketRow {
  readonly id: string
  readonly name: string
  readonly public: boolean
  readonly file_size_limit: number | null
  readonly allowed_mime_types: readonly string[] | null
  readonly created_at: string
  readonly updated_at: string
}

export interface ObjectRow {
  readonly id: string
  readonly bucket: string
  readonly name: string
  /** The finished upload that holds the bytes. */
  readonly upload: string
  readonly size: number
  readonly contentType: string
  readonly cacheControl: string
  readonly updatedAt: string
}

export interface Objects {
  /** Where uploads and their bytes lie. */
  readonly uploadFolder: string
  findBucket(id: string): BucketRow | null
  saveBucket(bucket: BucketRow): void
  removeBucket(id: string): void
  find(bucket: string, name: string): ObjectRow | null
  list(bucket: string): readonly ObjectRow[]
  /** Replaces what has the same bucket and name, at once for all readers. */
  save(...rows: readonly ObjectRow[]): void
  remove(bucket: string, names: readonly string[]): readonly ObjectRow[]
  /** What the platform does to unfinished uploads after 24 hours. */
  expireUploads(): void
  /**
   * Opens the bytes; who has them open may go on reading after they were replaced. The caller
   * closes the file.
   */
  open(row: ObjectRow): { readonly file: number; readonly size: number }
}

export function openObjects(folder: string): Objects {
  const uploadFolder = join(folder, 'uploads')
  mkdirSync(uploadFolder, { recursive: true })
  const place = join(folder, 'rows.json')
  const { buckets, rows } = readRows(place)
  const keyOf = ({ bucket, name }: Pick<ObjectRow, 'bucket' | 'name'>): string =>
    `${bucket}/${name}`
  const write = (): void => {
    writeFileSync(
      `${place}.tmp`,
      JSON.stringify({ buckets: [...buckets.values()], rows: [...rows.values()] }),
    )
    renameSync(`${place}.tmp`, place)
  }
  const discard = ({ upload }: ObjectRow): void => {
    for (const file of [upload, `${upload}.json`]) rmSync(join(uploadFolder, file), { force: true })
  }
  return {
    uploadFolder,
    findBucket: (id) => buckets.get(id) ?? null,
    saveBucket(bucket) {
      buckets.set(bucket.id, bucket)
      write()
    },
    removeBucket(id) {
      buckets.delete(id)
      write()
    },
    find: (bucket, name) => rows.get(keyOf({ bucket, name })) ?? null,
    list: (bucket) => [...rows.values()].filter((row) => row.bucket === bucket),
    save(...saved) {
      const replaced = saved.flatMap((row) => rows.get(keyOf(row)) ?? [])
      for (const row of saved) rows.set(keyOf(row), row)
      write()
      replaced.forEach(discard)
    },
    remove(bucket, names) {
      const gone = names.flatMap((name) => rows.get(keyOf({ bucket, name })) ?? [])
      for (const row of gone) rows.delete(keyOf(row))
      write()
      gone.forEach(discard)
      return gone
    },
    expireUploads() {
      const finished = new Set([...rows.values()].map(({ upload }) => upload))
      for (const entry of readdirSync(uploadFolder, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name)
        // Without its bytes an upload that is still on record answers 410.
        if (
          entry.isFile() &&
          !path.endsWith('.json') &&
          !finished.has(relative(uploadFolder, path))
        )
          rmSync(path)
      }
    },
    open({ upload }) {
      const file = openSync(join(uploadFolder, upload), 'r')
      try {
        return { file, size: fstatSync(file).size }
      } catch (error) {
        closeSync(file)
        throw error
      }
    },
  }
}

function readRows(place: string): {
  buckets: Map<string, BucketRow>
  rows: Map<string, ObjectRow>
} {
  let saved: { buckets: BucketRow[]; rows: ObjectRow[] } = { buckets: [], rows: [] }
  try {
    saved = JSON.parse(readFileSync(place, 'utf8')) as typeof saved
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
  return {
    buckets: new Map(saved.buckets.map((bucket) => [bucket.id, bucket])),
    rows: new Map(saved.rows.map((row) => [`${row.bucket}/${row.name}`, row])),
  }
}

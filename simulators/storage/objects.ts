// The service's tables: buckets, and one row per object with the file of its bytes. They are in one
// folder and survive a kill: rows are written atomically, after their bytes.

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
  /** The finished upload with the bytes. */
  readonly upload: string
  readonly size: number
  readonly contentType: string
  readonly cacheControl: string
  readonly updatedAt: string
}

export interface Objects {
  /** Folder of the uploads and their bytes. */
  readonly uploadFolder: string
  findBucket(id: string): BucketRow | null
  saveBucket(bucket: BucketRow): void
  removeBucket(id: string): void
  find(bucket: string, name: string): ObjectRow | null
  list(bucket: string): readonly ObjectRow[]
  /** Replaces objects of the same bucket and name atomically. */
  save(...rows: readonly ObjectRow[]): void
  remove(bucket: string, names: readonly string[]): readonly ObjectRow[]
  /** Removes unfinished uploads, as the platform does after 24 hours. */
  expireUploads(): void
  /** Opens the bytes, which stay readable after a replacement. The caller closes the file. */
  open(row: ObjectRow): { readonly file: number; readonly size: number }
}

export function openObjects(folder: string): Objects {
  return new FolderObjects(folder)
}

class FolderObjects implements Objects {
  readonly uploadFolder: string
  readonly #file: string
  readonly #buckets: Map<string, BucketRow>
  readonly #rows: Map<string, ObjectRow>

  constructor(folder: string) {
    this.uploadFolder = join(folder, 'uploads')
    mkdirSync(this.uploadFolder, { recursive: true })
    this.#file = join(folder, 'rows.json')
    const { buckets, rows } = readRows(this.#file)
    this.#buckets = buckets
    this.#rows = rows
  }

  findBucket(id: string): BucketRow | null {
    return this.#buckets.get(id) ?? null
  }

  saveBucket(bucket: BucketRow): void {
    this.#buckets.set(bucket.id, bucket)
    this.#write()
  }

  removeBucket(id: string): void {
    this.#buckets.delete(id)
    this.#write()
  }

  find(bucket: string, name: string): ObjectRow | null {
    return this.#rows.get(toKey({ bucket, name })) ?? null
  }

  list(bucket: string): readonly ObjectRow[] {
    return [...this.#rows.values()].filter((row) => row.bucket === bucket)
  }

  save(...saved: readonly ObjectRow[]): void {
    const replaced = saved.flatMap((row) => this.#rows.get(toKey(row)) ?? [])
    for (const row of saved) this.#rows.set(toKey(row), row)
    this.#write()
    for (const row of replaced) this.#discard(row)
  }

  remove(bucket: string, names: readonly string[]): readonly ObjectRow[] {
    const removed = names.flatMap((name) => this.#rows.get(toKey({ bucket, name })) ?? [])
    for (const row of removed) this.#rows.delete(toKey(row))
    this.#write()
    for (const row of removed) this.#discard(row)
    return removed
  }

  expireUploads(): void {
    const finished = new Set([...this.#rows.values()].map(({ upload }) => upload))
    for (const entry of readdirSync(this.uploadFolder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      const isFinished = finished.has(relative(this.uploadFolder, path))
      // The tus server responds 410 for an upload whose record remains without its bytes.
      if (entry.isFile() && !path.endsWith('.json') && !isFinished) rmSync(path)
    }
  }

  open({ upload }: ObjectRow): { readonly file: number; readonly size: number } {
    const file = openSync(join(this.uploadFolder, upload), 'r')
    try {
      return { file, size: fstatSync(file).size }
    } catch (error) {
      closeSync(file)
      throw error
    }
  }

  #write(): void {
    const tables = { buckets: [...this.#buckets.values()], rows: [...this.#rows.values()] }
    writeFileSync(`${this.#file}.tmp`, JSON.stringify(tables))
    renameSync(`${this.#file}.tmp`, this.#file)
  }

  #discard({ upload }: ObjectRow): void {
    for (const file of [upload, `${upload}.json`])
      rmSync(join(this.uploadFolder, file), { force: true })
  }
}

function toKey({ bucket, name }: Pick<ObjectRow, 'bucket' | 'name'>): string {
  return `${bucket}/${name}`
}

function readRows(file: string): {
  buckets: Map<string, BucketRow>
  rows: Map<string, ObjectRow>
} {
  let saved: { buckets: BucketRow[]; rows: ObjectRow[] } = { buckets: [], rows: [] }
  try {
    saved = JSON.parse(readFileSync(file, 'utf8')) as typeof saved
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
  return {
    buckets: new Map(saved.buckets.map((bucket) => [bucket.id, bucket])),
    rows: new Map(saved.rows.map((row) => [toKey(row), row])),
  }
}

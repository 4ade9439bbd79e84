// `POST /object/list/:bucket`: the entries of one folder. As on the platform, comparison and
// sorting ignore case, and the default limit is 100. Folders precede objects, as in older versions;
// newer ones mix them.

import type { ObjectRow } from './objects.ts'

export interface ListRequest {
  readonly prefix: string
  readonly limit?: number
  readonly offset?: number
}

/** A folder is an entry without an id. */
export interface ListEntry {
  readonly name: string
  readonly id: string | null
  readonly updated_at: string | null
  readonly created_at: string | null
  readonly last_accessed_at: string | null
  readonly metadata: Readonly<Record<string, unknown>> | null
}

const PAGE_SIZE_MAX = 1500

export function listFolder(
  rows: readonly ObjectRow[],
  { prefix, limit = 100, offset = 0 }: ListRequest,
): ListEntry[] {
  const folder = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`
  const entries = new Map<string, ListEntry>()
  for (const row of rows) {
    if (!row.name.toLowerCase().startsWith(folder.toLowerCase())) continue
    const [name = '', ...below] = row.name.slice(folder.length).split('/')
    const isFolder = below.length > 0
    entries.set(
      (isFolder ? 'folder ' : 'object ') + name.toLowerCase(),
      isFolder ? toFolderEntry(name) : toObjectEntry(name, row),
    )
  }
  const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry)
  return sorted.slice(offset, offset + Math.min(limit, PAGE_SIZE_MAX))
}

function toFolderEntry(name: string): ListEntry {
  return {
    name,
    id: null,
    updated_at: null,
    created_at: null,
    last_accessed_at: null,
    metadata: null,
  }
}

export function toObjectEntry(
  name: string,
  { id, updatedAt, size, contentType, cacheControl }: ObjectRow,
): ListEntry {
  const metadata = {
    size,
    mimetype: contentType,
    cacheControl,
    contentLength: size,
    httpStatusCode: 200,
    lastModified: updatedAt,
  }
  return {
    name,
    id,
    updated_at: updatedAt,
    created_at: updatedAt,
    last_accessed_at: updatedAt,
    metadata,
  }
}

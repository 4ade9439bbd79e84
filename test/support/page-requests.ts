// Requests of the dashboard's pages as a browser sends them, with the size of each response on the wire.

import { request } from 'node:http'
import { PAGES } from '../../src/http/dashboard/pages.ts'

/** Returns true for a file of the archive, which a browser saves instead of showing it. */
export function isDownload(path: string): boolean {
  return path.endsWith('/artifact') || path.includes('/parts/')
}

/** The pages that are on, apart from files of the archive. */
export function listPages() {
  return PAGES.filter(
    ({ path, isEnabled }) => isEnabled({ webUrl: null, publicStatus: false }) && !isDownload(path),
  )
}

export interface PageResponse {
  readonly status: number
  /** Bytes of the compressed body, which `fetch` would decompress. */
  readonly bytes: number
}

export function requestPage(url: string, cookie: string): Promise<PageResponse> {
  return new Promise((done, fail) => {
    const headers = { Cookie: cookie, 'Accept-Encoding': 'gzip' }
    request(url, { headers }, (response) => {
      let bytes = 0
      response.on('data', (chunk: Buffer) => (bytes += chunk.byteLength))
      response.on('end', () => done({ status: response.statusCode ?? 0, bytes }))
      response.on('error', fail)
    })
      .on('error', fail)
      .end()
  })
}

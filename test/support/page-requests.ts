// Requests of the dashboard's pages as a browser sends them, with the size of each response on the wire.

import { request } from 'node:http'
import { PAGES } from '../../src/http/dashboard/pages.ts'

/** The examples of the pages that are on, apart from those whose content is a file of the archive. */
export function listPageAddresses(): readonly string[] {
  return PAGES.filter(
    ({ path, isEnabled }) =>
      isEnabled({ webUrl: null, publicStatus: false }) &&
      !path.endsWith('/artifact') &&
      !path.includes('/parts/'),
  ).map(({ example }) => example)
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

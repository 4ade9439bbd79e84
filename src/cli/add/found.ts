// Formats what `add` has found at an address: the requests that it sent, the kind of shop, and some
// products. Each fact has a separate line, so that a narrow terminal shows it too.

import type { Sample } from '../../core/connector.ts'
import type { SyncError } from '../../core/errors.ts'
import type { TriedRequest } from '../../sources/tried-requests.ts'
import { measureText } from '../terminal/measure-text.ts'
import type { Output } from '../terminal/output.ts'

const TITLE_CHARS_MAX = 60
const PATH_CHARS_MAX = 48
const GAP = '  '

/** `  /products.json?limit=1   404, web page`, a line for each request. */
export function formatTried(output: Output, tried: readonly TriedRequest[]): string {
  const rows = tried.map(({ url, response }) => [toPath(url), output.inLine(response)] as const)
  const paths = rows.map(([path]) => output.short(path, PATH_CHARS_MAX))
  const width = Math.max(0, ...paths.map(measureText))
  return rows
    .map(([, response], at) => `${GAP}${pad(paths[at] ?? '', width)}${GAP}${response}`)
    .join('\n')
}

/** The title and the price of each product, and its page in the line below. */
export function formatSamples(output: Output, samples: readonly Sample[]): string {
  const prices = samples.map(({ price }) => price ?? 'no price')
  const left = output.width - 2 * GAP.length - Math.max(0, ...prices.map(measureText))
  const charsMax = Math.max(16, Math.min(TITLE_CHARS_MAX, left))
  const titles = samples.map(({ title }) => output.short(title, charsMax))
  const width = Math.max(0, ...titles.map(measureText))
  return samples
    .flatMap(({ url }, at) => [
      `${GAP}${pad(titles[at] ?? '', width)}${GAP}${prices[at]}`,
      ...(url === null ? [] : [`${GAP}${GAP}${output.inLine(url)}`]),
    ])
    .join('\n')
}

/** Returns the requests that an error of `recogniseAddress` names. */
export function listTried({ detail }: SyncError): readonly TriedRequest[] {
  const { tried } = detail as { readonly tried?: readonly TriedRequest[] }
  return tried ?? []
}

/** Only commas and slashes are unescaped: any other escape may be invalid. */
function toPath(address: string): string {
  const url = URL.parse(address)
  return url === null
    ? address
    : `${url.pathname}${url.search.replaceAll(/%2[cf]/gi, (escape) => decodeURIComponent(escape))}`
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - measureText(text)))
}

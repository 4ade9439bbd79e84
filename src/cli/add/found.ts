// Formats what `add` has found at an address: the requests that it sent, the kind of shop, and some
// products. Each fact has a separate line, so that a narrow terminal shows it too.

import type { Sample } from '../../core/connector.ts'
import type { SyncError } from '../../core/errors.ts'
import type { TriedRequest } from '../../sources/tried-requests.ts'
import { measureText } from '../terminal/measure-text.ts'
import type { Output } from '../terminal/output.ts'

const TEXT_CHARS_MIN = 16
const TITLE_CHARS_MAX = 60
const PATH_CHARS_MAX = 48
/** A longer response is wrapped. */
const RESPONSE_COLUMNS_MAX = 24
const GAP = '  '

/** `  /products.json?limit=1   404, web page`, a line for each request. */
export function formatTried(output: Output, tried: readonly TriedRequest[]): string {
  const responses = tried.map(({ response }) => output.inLine(response))
  const besides = Math.min(measureWidest(responses), RESPONSE_COLUMNS_MAX)
  const paths = alignTexts(output, tried.map(toPath), { besides, charsMax: PATH_CHARS_MAX })
  return paths.map((path, at) => `${GAP}${path}${GAP}${responses[at]}`).join('\n')
}

/** The title and the price of each product, and its page in the line below. */
export function formatSamples(output: Output, samples: readonly Sample[]): string {
  const prices = samples.map(({ price }) => price ?? 'no price')
  const titles = alignTexts(
    output,
    samples.map(({ title }) => title),
    { besides: measureWidest(prices), charsMax: TITLE_CHARS_MAX },
  )
  return samples
    .flatMap(({ url }, at) => [
      `${GAP}${titles[at]}${GAP}${prices[at]}`,
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
function toPath({ url: address }: TriedRequest): string {
  const url = URL.parse(address)
  if (url === null) return address
  return `${url.pathname}${url.search.replaceAll(/%2[cf]/gi, (escape) => decodeURIComponent(escape))}`
}

/** Aligns the texts of a column, cut so that `besides` columns fit beside them. */
function alignTexts(
  output: Output,
  texts: readonly string[],
  { besides, charsMax }: { readonly besides: number; readonly charsMax: number },
): string[] {
  const left = output.width - 2 * GAP.length - besides
  const chars = Math.max(TEXT_CHARS_MIN, Math.min(charsMax, left))
  const cut = texts.map((text) => output.short(text, chars))
  const width = measureWidest(cut)
  return cut.map((text) => text + ' '.repeat(width - measureText(text)))
}

function measureWidest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map(measureText))
}

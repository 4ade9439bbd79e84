// An ASIN as a person types it, or the address of a product's page as the browser shows it. No
// request is sent: an address that does not contain its ASIN is explained instead.

import type { TypedKey } from '../../core/typed-key.ts'
import { cutText } from '../../lib/text.ts'
import { findMarketplace } from './marketplaces.ts'
import type { AmazonSettings } from './settings.ts'

/** Every ASIN has a digit: it begins with B0 or similar, or is an ISBN with 10 digits. */
const TYPED_ASIN = /^(?=.*\d)[A-Za-z0-9]{10}$/
/** Hosts of links that lead to a page only after a request. */
const SHORT_HOSTS: ReadonlySet<string> = new Set(['amzn.to', 'amzn.eu', 'amzn.asia', 'a.co'])
/** The path of a page has the ASIN after one of these. */
const BEFORE_ASIN =
  /\/(?:dp(?:\/product)?|gp\/(?:product(?:\/glance)?|aw\/d|offer-listing)|product-reviews|exec\/obidos\/(?:ASIN|tg\/detail\/-)|o\/ASIN|ASIN)\/([^/]+)/i
const QUOTED_CHARS_MAX = 80

const EXAMPLE = 'such as B08DQQ8CBP'

/** Reads an ASIN, in any case, or the address of a page of the marketplace. */
export function parseTypedAsin(
  text: string,
  { marketplace }: Pick<AmazonSettings, 'marketplace'>,
): TypedKey {
  if (TYPED_ASIN.test(text)) return found(text)
  const url = toUrl(text)
  return url === null ? refuse(explainText(text)) : parseAddress(url, marketplace)
}

function parseAddress(url: URL, marketplace: string): TypedKey {
  if (SHORT_HOSTS.has(url.hostname))
    return refuse(
      `${url.hostname} is a short link, which names no ASIN: open it, and use the address of the page`,
    )
  const own = marketplaceOf(url)
  if (own === null) return refuse(`${quote(url.hostname)} is not a marketplace of Amazon`)
  const [, inPath] = BEFORE_ASIN.exec(url.pathname) ?? []
  const asin = inPath ?? url.searchParams.get('asin')
  if (asin === null)
    return refuse(`The address names no ASIN: use that of a product, such as https://${own}/dp/…`)
  if (!TYPED_ASIN.test(asin)) return refuse(explainText(asin))
  if (own !== marketplace)
    return refuse(`The address is of ${own}, but products are imported from ${marketplace}`)
  return found(asin)
}

/** `smile.amazon.de` and `amazon.de` are `www.amazon.de`. */
function marketplaceOf({ hostname }: URL): string | null {
  const bare = hostname.replace(/^(?:www|smile|m)\./, '')
  return findMarketplace(`www.${bare}`)?.code ?? null
}

/** An address with or without its scheme; null for a text without a host. */
function toUrl(text: string): URL | null {
  if (/\s/.test(text)) return null
  if (/^https?:\/\//i.test(text)) return URL.parse(text)
  return /^[\w-]+(?:\.[\w-]+)+\//.test(text) ? URL.parse(`https://${text}`) : null
}

function explainText(text: string): string {
  const said = `${quote(text)} is not an ASIN`
  if (/^97[89][\d-]{10,14}$/.test(text))
    return `${said}, but an ISBN with 13 digits: use the ISBN with 10, or the ASIN`
  if (!/^[A-Za-z0-9]+$/.test(text))
    return `${said}: it has other characters than letters and digits (${EXAMPLE})`
  if (text.length !== 10)
    return `${said}: it has ${text.length} characters instead of 10 (${EXAMPLE})`
  return `${said}: it has no digit (${EXAMPLE})`
}

const quote = (text: string): string => `"${cutText(text, QUOTED_CHARS_MAX)}"`
const found = (asin: string): TypedKey => ({ key: asin.toUpperCase(), problem: null })
const refuse = (problem: string): TypedKey => ({ key: null, problem })

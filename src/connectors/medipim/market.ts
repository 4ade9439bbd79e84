// The settings of a MediPim source. Each country has a separate host with the same API, a currency
// and languages.

import { z } from 'zod'

const MARKETS = {
  au: { currency: 'AUD', locales: ['en'] },
  be: { currency: 'EUR', locales: ['nl', 'fr', 'en', 'de'] },
  fr: { currency: 'EUR', locales: ['fr', 'en'] },
  de: { currency: 'EUR', locales: ['de', 'en'] },
  us: { currency: 'USD', locales: ['en'] },
} as const

export type MarketName = keyof typeof MARKETS

export interface Market {
  readonly currency: string
  /** Best first. */
  readonly locales: readonly string[]
}

export interface MedipimSettings {
  /** The URL before `/v4/…`, without a trailing slash. */
  readonly apiUrl: string
  readonly market: MarketName
}

export function marketOf({ market }: MedipimSettings): Market {
  return MARKETS[market]
}

/**
 * `apiUrl` may be a bare host or the address of any v4 endpoint, as in MEDIPIM_API_URL; `market` is
 * derived from the host when it is not set. Parsing the result again returns the same settings.
 */
export const medipimSettings: z.ZodType<MedipimSettings> = z
  .strictObject({
    apiUrl: z.string().default('https://api.au.medipim.com').transform(toBaseUrl),
    market: z.enum(['au', 'be', 'fr', 'de', 'us']).optional(),
  })
  .transform(({ apiUrl, market }) => ({
    apiUrl,
    market: market ?? marketOfHost(new URL(apiUrl).hostname),
  }))

function toBaseUrl(text: string, context: z.RefinementCtx): string {
  const hasScheme = /^\s*[a-z][a-z0-9+.-]*:\/\//i.test(text)
  const url = URL.parse(hasScheme ? text : `https://${text.trim()}`)
  if (url === null || !/^https?:$/.test(url.protocol))
    return refuse(context, 'is not an http or https address')
  if (text.includes('@'))
    return refuse(
      context,
      'contains a key, which belongs in MEDIPIM_API_KEY_ID and MEDIPIM_API_KEY_SECRET',
    )
  return url.origin + url.pathname.replace(/\/v4(\/.*)?$/, '').replace(/\/+$/, '')
}

function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message })
  return z.NEVER
}

/**
 * `api.medipim.be`, `api.us.medipim.com`, `api.sandbox.au.medipim.com`: the country is the end of
 * the name or the part before it.
 */
function marketOfHost(host: string): MarketName {
  const parts = host.split('.')
  const names = ['be', 'fr', 'de', 'us'] as const
  return names.find((name) => parts.at(-1) === name || parts.at(-3) === name) ?? 'au'
}

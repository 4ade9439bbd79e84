// The settings of one marketplace of Amazon as a source.

import { z } from 'zod'
import { findMarketplace, MARKETPLACES, type Marketplace } from './marketplaces.ts'

export const API_URL = 'https://creatorsapi.amazon'

const Address = z
  .url({ protocol: /^https?$/, error: 'must be an http or https address' })
  .refine(isPlain, 'must have neither a password, a query nor a final slash')

const Fields = z.strictObject({
  marketplace: z
    .string()
    .refine(
      (code) => findMarketplace(code) !== null,
      `must be a marketplace: ${MARKETPLACES.map(({ code }) => code).join(', ')}`,
    )
    .default('www.amazon.com'),
  /** The API, without a final slash. */
  apiUrl: Address.default(API_URL),
  /** The token endpoint. Null: the one of the version of the credential. */
  tokenUrl: Address.nullable().default(null),
  /** The associate tag. Null: AMAZON_PARTNER_TAG_<COUNTRY>, or AMAZON_PARTNER_TAG. */
  partnerTag: z
    .string()
    .regex(/^[\w-]{1,64}$/, 'must be an associate tag such as my-shop-20')
    .nullable()
    .default(null),
  /** One of the languages of the marketplace. Null: its own. */
  language: z.string().nullable().default(null),
  /** Requests in a second. Amazon allows a new credential one, and at most 10 by its sales. */
  requestsPerSecond: z.number().min(0.01).max(10).default(1),
  /** Requests in a day, in UTC. Amazon allows a new credential 8,640, and later more or less. */
  requestsPerDay: z.int().min(1).max(864_000).default(8_640),
  /** The share of both that is kept for imports. */
  importReserve: z.number().min(0).max(0.9).default(0.2),
})

/** Sources differ on an unknown language: Amazon refuses it, or uses the default one. */
export const AmazonSettings = Fields.superRefine(({ marketplace, language }, context) => {
  const languages = findMarketplace(marketplace)?.languages ?? []
  if (language !== null && languages.length > 0 && !languages.includes(language))
    context.addIssue({
      code: 'custom',
      path: ['language'],
      message: `must be a language of ${marketplace}: ${languages.join(', ')}`,
    })
})
export type AmazonSettings = z.infer<typeof AmazonSettings>

export function marketplaceOf({ marketplace }: Pick<AmazonSettings, 'marketplace'>): Marketplace {
  const found = findMarketplace(marketplace)
  if (found === null) throw new Error(`${marketplace} passed the schema of the settings`)
  return found
}

function isPlain(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && `${url.origin}${url.pathname.replace(/\/$/, '')}` === text
}

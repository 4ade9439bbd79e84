// The optional keys of websites: one that signs requests (Web Bot Auth) and is never sent, and one of
// Firecrawl, which goes to Firecrawl only.

import { z } from 'zod'
import type { CredentialSchema } from '../../core/credentials.ts'

export const FIRECRAWL_URL = 'https://api.firecrawl.dev'

export interface WebsiteCredentials {
  readonly signature: { readonly key: string; readonly agent: string } | null
  /** Null without a key and without an address. A self-hosted Firecrawl needs no key. */
  readonly firecrawl: { readonly url: string; readonly key: string | null } | null
}

const Variables = z.strictObject({
  webBotAuthKey: z
    .string()
    .regex(/^[\w-]{43}$/, 'expected the member d of an Ed25519 key as a JWK: 43 characters')
    .optional(),
  webBotAuthAgent: z
    .string()
    .refine(
      (text) => URL.parse(text)?.protocol === 'https:' && URL.parse(text)?.origin === text,
      'expected an https origin, such as https://bot.example',
    )
    .optional(),
  firecrawlKey: z
    .string()
    .regex(/^[\x21-\x7e]{1,300}$/, 'expected a key of Firecrawl')
    .optional(),
  firecrawlUrl: z
    .string()
    .refine(
      isApiAddress,
      'expected an http or https address, such as http://firecrawl.internal:3002',
    )
    .optional(),
})
type Variables = z.infer<typeof Variables>

export const websiteCredentials: CredentialSchema<WebsiteCredentials> = {
  variables: {
    webBotAuthKey: {
      name: 'WEB_BOT_AUTH_KEY',
      secret: true,
      description:
        'The private Ed25519 key that signs requests to websites (Web Bot Auth): the member d of its JWK.',
      default: 'none: requests are not signed',
      example: 'your-private-key-in-43-characters',
    },
    webBotAuthAgent: {
      name: 'WEB_BOT_AUTH_AGENT',
      secret: false,
      description:
        'The origin at which sites find your public key, under /.well-known/http-message-signatures-directory.',
      default: 'none; required with WEB_BOT_AUTH_KEY',
      example: 'https://bot.example',
    },
    firecrawlKey: {
      name: 'FIRECRAWL_API_KEY',
      secret: true,
      description:
        'The key of Firecrawl, for websites whose pages have no data before their scripts have run.',
      default: 'none: a self-hosted Firecrawl needs none',
      example: 'fc-your-key',
    },
    firecrawlUrl: {
      name: 'FIRECRAWL_URL',
      secret: false,
      description: 'The address of a Firecrawl that you run.',
      default: FIRECRAWL_URL,
      example: 'http://firecrawl.internal:3002',
    },
  },
  schema: Variables.superRefine(checkPair).transform(toCredentials),
  isComplete: () => true,
  hint: 'set FIRECRAWL_API_KEY, or FIRECRAWL_URL for your own Firecrawl',
  spellings: ({ signature, firecrawl }) =>
    [signature?.key, firecrawl?.key].filter((secret) => typeof secret === 'string'),
  findHostFault: ({ host }, { firecrawl }) =>
    host === new URL(FIRECRAWL_URL).host || host === URL.parse(firecrawl?.url ?? '')?.host
      ? null
      : 'it is not the address of Firecrawl. Set FIRECRAWL_URL if it is yours',
}

function isApiAddress(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && url.origin === text
}

function checkPair({ webBotAuthKey, webBotAuthAgent }: Variables, context: z.RefinementCtx): void {
  if ((webBotAuthKey === undefined) === (webBotAuthAgent === undefined)) return
  const isKeyMissing = webBotAuthKey === undefined
  context.addIssue({
    code: 'custom',
    path: [isKeyMissing ? 'webBotAuthKey' : 'webBotAuthAgent'],
    message: `missing; a signature needs a key and the origin at which sites find it`,
  })
}

function toCredentials(values: Variables): WebsiteCredentials {
  const { webBotAuthKey: key, webBotAuthAgent: agent, firecrawlKey, firecrawlUrl } = values
  const hasFirecrawl = (firecrawlKey ?? firecrawlUrl) !== undefined
  return {
    signature: key === undefined || agent === undefined ? null : { key, agent },
    firecrawl: hasFirecrawl
      ? { url: firecrawlUrl ?? FIRECRAWL_URL, key: firecrawlKey ?? null }
      : null,
  }
}

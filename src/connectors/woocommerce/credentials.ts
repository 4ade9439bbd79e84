// The keys of the REST API, which the owner of a shop creates under WooCommerce → Settings →
// Advanced. Each source has its own.

import { z } from 'zod'
import type { CredentialSchema } from '../../core/credentials.ts'

export interface WoocommerceCredentials {
  readonly key: string | null
  readonly secret: string | null
}

const Key = (prefix: string) =>
  z
    .string()
    .regex(/^[\x21-\x39\x3b-\x7e]+$/, `expected a key such as ${prefix}_…`)
    .optional()

const variable = {
  name: null,
  secret: true,
  default: 'none: the public Store API is read',
} as const

export const woocommerceCredentials: CredentialSchema<WoocommerceCredentials> = {
  variables: {
    consumerKey: {
      ...variable,
      description:
        'The consumer key of the REST API, with the permission to read; only for `access=rest`.',
      example: 'your-consumer-key',
    },
    consumerSecret: {
      ...variable,
      description: 'The consumer secret that belongs to the consumer key.',
      example: 'your-consumer-secret',
    },
  },
  schema: z
    .strictObject({ consumerKey: Key('ck'), consumerSecret: Key('cs') })
    .transform(({ consumerKey, consumerSecret }) => ({
      key: consumerKey ?? null,
      secret: consumerSecret ?? null,
    })),
  isComplete: ({ key, secret }) => key !== null && secret !== null,
  hint: 'set SECRET_<SOURCE>_CONSUMER_KEY and SECRET_<SOURCE>_CONSUMER_SECRET',
  spellings: ({ key, secret }) =>
    key === null || secret === null ? [] : [`${key}:${secret}`, btoa(`${key}:${secret}`)],
  // Any host may have a shop, and the keys belong to this source alone.
  findHostFault: () => null,
}

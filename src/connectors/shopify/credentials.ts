// The token of the owner's app, for the Admin API. Each source has its own.

import { z } from 'zod'
import type { CredentialSchema } from '../../core/credentials.ts'

export interface ShopifyCredentials {
  readonly token: string | null
}

export const shopifyCredentials: CredentialSchema<ShopifyCredentials> = {
  variables: {
    token: {
      name: null,
      secret: true,
      description:
        'The access token of an app that the owner of the shop has installed, with the scope `read_products`; only for `access=admin`.',
      default: 'none: the public list of products is read',
      example: 'your-access-token',
    },
  },
  schema: z
    .strictObject({
      token: z
        .string()
        .regex(/^[\x21-\x7e]+$/, 'expected an access token')
        .optional(),
    })
    .transform(({ token }) => ({ token: token ?? null })),
  isComplete: ({ token }) => token !== null,
  hint: 'set SECRET_<SOURCE>_TOKEN',
  spellings: () => [],
  findHostFault: ({ hostname }) =>
    hostname.endsWith('.myshopify.com')
      ? null
      : 'the Admin API is at a host of myshopify.com; set adminUrl to it',
}

// The key of example-supplier, and the environment variable that it is read from.

import { z } from 'zod'
import type { CredentialSchema } from '../../../src/core/credentials.ts'
import { SyncError } from '../../../src/core/errors.ts'

/** The hosts of the supplier. The key is sent to no other host. */
const OWN_HOST = /(^|\.)supplier\.example$/

const ExampleSupplierCredentials = z.strictObject({
  apiKey: z.string().regex(/^\S+$/, 'expected a key without blanks').optional(),
})
export type ExampleSupplierCredentials = z.infer<typeof ExampleSupplierCredentials>

export const exampleSupplierCredentials: CredentialSchema<ExampleSupplierCredentials> = {
  variables: {
    apiKey: {
      name: 'EXAMPLE_SUPPLIER_API_KEY',
      secret: true,
      description: 'Your API key of example-supplier.',
      default: 'none: its sources cannot be synced',
      example: 'your-api-key',
    },
  },
  schema: ExampleSupplierCredentials,
  isComplete: ({ apiKey }) => apiKey !== undefined,
  hint: 'set EXAMPLE_SUPPLIER_API_KEY',
  // The key is sent unchanged.
  spellings: () => [],
  findHostFault: ({ hostname }) =>
    OWN_HOST.test(hostname) ? null : 'it is not a host of the supplier',
}

/** @throws SyncError `settings/invalid` without a key */
export function keyHeaders({ apiKey }: ExampleSupplierCredentials): Record<string, string> {
  if (apiKey === undefined)
    throw new SyncError(
      'settings/invalid',
      `No key for example-supplier: ${exampleSupplierCredentials.hint}`,
    )
  return { 'x-api-key': apiKey }
}

// The only credential of the toy connector, a key.

import { z } from 'zod'
import type { CredentialSchema } from '../../../src/core/credentials.ts'
import { SyncError } from '../../../src/core/errors.ts'
import type { Has } from './defects.ts'

/** A key that the suite searches for in every output. */
export const KEY = 'planted-key-ü"1'

export const ToyCredentials = z.strictObject({
  key: z
    .string()
    .regex(/^\S{4,}$/, 'expected 4 characters or more')
    .optional(),
})
export type ToyCredentials = z.infer<typeof ToyCredentials>
const QuotingCredentials = z.strictObject({
  key: z
    .string()
    .regex(/^\S{4,}$/, { error: ({ input }) => `expected a key, not ${String(input)}` })
    .optional(),
})

export function declareCredentials(has: Has): CredentialSchema<ToyCredentials> {
  return {
    variables: {
      key: {
        name: 'TOY_KEY',
        secret: !has('declares its key as not secret'),
        description: 'The key of the toy.',
        default: 'none: toys cannot be synced',
        example: 'your-toy-key',
      },
    },
    schema: has('quotes an invalid value') ? QuotingCredentials : ToyCredentials,
    isComplete: ({ key }) => key !== undefined,
    hint: 'set TOY_KEY',
    spellings: () => [],
    findHostFault: ({ hostname }) =>
      hostname === 'toy.example' || has('sends its key to any host')
        ? null
        : 'it is not a host of the toy',
  }
}

export function requireKey({ key }: ToyCredentials): string {
  if (key === undefined) throw new SyncError('settings/invalid', 'No key for the toy: set TOY_KEY')
  return key
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import {
  chooseVariables,
  isSourceVariable,
  listSecrets,
  parseCredentials,
  sourceVariable,
  type CredentialSchema,
} from './credentials.ts'

interface ShopCredentials {
  readonly keyId?: string | undefined
  readonly token?: string | undefined
}

const variable = { secret: true, description: 'A key.', default: 'none', example: 'your-key' }

/** A shared id, and a token that each shop has separately. */
const schema: CredentialSchema<ShopCredentials> = {
  variables: {
    keyId: { ...variable, name: 'SHOP_KEY_ID' },
    token: { ...variable, name: null },
  },
  schema: z.strictObject({
    keyId: z.string().regex(/^\d+$/, 'expected a number').optional(),
    token: z.string().min(4, 'expected 4 characters or more').optional(),
  }),
  isComplete: ({ token }) => token !== undefined,
  hint: 'set SECRET_<SOURCE>_TOKEN',
  spellings: ({ keyId, token }) => [`${keyId}:${token}`],
  findHostFault: () => null,
}

test('the variable of a source is its name and the member in upper case', () => {
  assert.equal(sourceVariable('my-2nd-shop', 'apiKeyId'), 'SECRET_MY_2ND_SHOP_API_KEY_ID')
  assert.deepEqual(
    ['SECRET_MY_SHOP_TOKEN', 'SECRET_TOKEN', 'SECRET', 'SECRET_my_TOKEN', 'MY_SECRET_A_B'].map(
      isSourceVariable,
    ),
    [true, false, false, false, false],
  )
})

test('a secret of the source wins over the shared one, and no other source reads it', () => {
  const values = { SHOP_KEY_ID: '1', SECRET_MINE_KEY_ID: '2', SECRET_MINE_TOKEN: 'mine' }
  assert.deepEqual(parseCredentials(schema, values, 'mine').credentials, {
    keyId: '2',
    token: 'mine',
  })
  assert.deepEqual(parseCredentials(schema, values, 'other').credentials, { keyId: '1' })
  assert.deepEqual(parseCredentials(schema, values, null).credentials, { keyId: '1' })
})

test('a source with a separate secret uses no shared secret', () => {
  const values = { SHOP_KEY_ID: '1', SECRET_MINE_TOKEN: 'mine' }
  assert.deepEqual(parseCredentials(schema, values, 'mine').credentials, { token: 'mine' })
  assert.deepEqual(
    chooseVariables(schema, values, 'mine').map(({ name, names }) => [name, names]),
    [
      [null, ['SECRET_MINE_KEY_ID']],
      ['SECRET_MINE_TOKEN', ['SECRET_MINE_TOKEN']],
    ],
  )
})

test('a problem names the variable that was read, and never its value', () => {
  const values = { SHOP_KEY_ID: 'planted', SECRET_MINE_KEY_ID: 'planted', SECRET_MINE_TOKEN: 'abc' }
  assert.deepEqual(parseCredentials(schema, values, null), {
    credentials: null,
    problems: ['SHOP_KEY_ID: expected a number'],
  })
  assert.deepEqual(parseCredentials(schema, values, 'mine').problems, [
    'SECRET_MINE_KEY_ID: expected a number',
    'SECRET_MINE_TOKEN: expected 4 characters or more',
  ])
})

test('the secrets of all sources are listed in every form in which they are sent', () => {
  const values = {
    SHOP_KEY_ID: '1',
    SECRET_MINE_KEY_ID: '2',
    SECRET_MINE_TOKEN: 'mine',
    SECRET_OF_NO_CONNECTOR: 'unused',
  }
  assert.deepEqual(
    new Set(listSecrets([schema], values)),
    new Set(['1', '2', 'mine', 'unused', '1:undefined', '2:mine']),
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toy } from '../../test/conformance/toy/subject.ts'
import { SyncError } from '../core/errors.ts'
import { createAddressGuard } from '../node/address-guard.ts'
import { createCredentialReader, listSecretStates } from './credentials.ts'

const { connector } = toy(null)

function read(values: Record<string, string>, url: string, allow: readonly string[] = []): unknown {
  const owner = { connector, settings: { url }, source: { name: 'mine' } }
  return createCredentialReader(values, createAddressGuard(allow))(owner)
}

function refusalOf(work: () => unknown): SyncError {
  try {
    work()
  } catch (error) {
    assert.ok(error instanceof SyncError)
    return error
  }
  assert.fail('nothing was refused')
}

test('credentials are released for the hosts of the supplier, this machine and allowed hosts', () => {
  const values = { TOY_KEY: 'a-secret' }
  for (const url of ['https://toy.example', 'http://127.0.0.1:1', 'http://localhost:1'])
    assert.deepEqual(read(values, url), { key: 'a-secret' })
  assert.deepEqual(read(values, 'http://toy.internal:8080', ['toy.internal:8080']), {
    key: 'a-secret',
  })
})

test('credentials are refused for another host, and over http, also before a key is set', () => {
  for (const values of [{ TOY_KEY: 'a-secret' }, {}]) {
    const { code, message } = refusalOf(() => read(values, 'https://evil.example'))
    assert.equal(code, 'source/address-refused')
    assert.match(message, /^The key of mine is not sent to evil\.example: /)
    assert.match(refusalOf(() => read(values, 'http://toy.example')).message, /use https/)
  }
})

test('a variable that is not valid is named, and its value is not', () => {
  const { code, message } = refusalOf(() => read({ SECRET_MINE_KEY: 'abc' }, 'https://toy.example'))
  assert.equal(code, 'settings/invalid')
  assert.match(message, /SECRET_MINE_KEY: expected 4 characters or more/)
  assert.doesNotMatch(message, /abc/)
})

test('the secrets of a source are listed as set or missing', () => {
  const list = (values: Record<string, string>) =>
    listSecretStates({ connector, source: { name: 'mine' } }, values)
  assert.deepEqual(list({}), [{ name: 'TOY_KEY', set: false }])
  assert.deepEqual(list({ TOY_KEY: 'a-secret' }), [{ name: 'TOY_KEY', set: true }])
  assert.deepEqual(list({ SECRET_MINE_KEY: 'a-secret' }), [{ name: 'SECRET_MINE_KEY', set: true }])
})

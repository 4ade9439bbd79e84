// Variables of the connector, the region group of a credential, and the hosts that receive secrets.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCredentials, type CredentialValues } from '../../core/credentials.ts'
import { SyncError } from '../../core/errors.ts'
import { createAddressGuard } from '../../node/address-guard.ts'
import { createCredentialReader } from '../../sources/credentials.ts'
import { amazon } from './connector.ts'
import { amazonCredentials, requireCredential, requireTag, tokenUrlOf } from './credentials.ts'
import { AmazonSettings } from './settings.ts'

const KEY = { AMAZON_CREDENTIAL_ID: 'an-id', AMAZON_CREDENTIAL_SECRET: 'a-secret' }

function read(values: CredentialValues) {
  const { credentials, problems } = parseCredentials(amazonCredentials, values, null)
  assert.ok(credentials, problems.join())
  return credentials
}

test('an id without its secret and an unknown version are problems', () => {
  const problems = (values: CredentialValues) =>
    parseCredentials(amazonCredentials, values, null).problems.join()
  assert.match(problems({ AMAZON_CREDENTIAL_ID: 'x' }), /^AMAZON_CREDENTIAL_SECRET: missing/)
  assert.match(problems({ AMAZON_CREDENTIAL_SECRET: 'x' }), /^AMAZON_CREDENTIAL_ID: missing/)
  assert.match(problems({ ...KEY, AMAZON_CREDENTIAL_VERSION: '4.1' }), /VERSION: expected 2\.1/)
})

test('the keys of PA-API 5.0 disturb nothing, and a missing credential says what has changed', () => {
  const old = read({ PAAPI_ACCESS_KEY: 'AKIA', PAAPI_SECRET_KEY: 'x', PAAPI_PARTNER_TAG: 'y-20' })
  const settings = AmazonSettings.parse({})
  assert.throws(
    () => requireCredential(old, settings),
    /PA-API 5\.0 ended in May 2026.*set AMAZON_/,
  )
  assert.throws(() => requireCredential(read({}), settings), /No credential of Amazon: set AMAZON_/)
  assert.equal(requireCredential(read({ ...KEY, PAAPI_ACCESS_KEY: 'x' }), settings).id, 'an-id')
})

test('a marketplace takes its own tag before the shared one, and its setting before both', () => {
  const tags = read({ AMAZON_PARTNER_TAG: 'all-20', AMAZON_PARTNER_TAG_DE: 'de-21' })
  const tagOf = (settings: object) => requireTag(tags, AmazonSettings.parse(settings))
  assert.equal(tagOf({}), 'all-20')
  assert.equal(tagOf({ marketplace: 'www.amazon.de' }), 'de-21')
  assert.equal(tagOf({ marketplace: 'www.amazon.de', partnerTag: 'own-21' }), 'own-21')
})

test('the version decides the token endpoint, and is 3.x of the region group by default', () => {
  const urlOf = (marketplace: string, version: string | null = null) =>
    tokenUrlOf(AmazonSettings.parse({ marketplace }), version)
  assert.equal(urlOf('www.amazon.com'), 'https://api.amazon.com/auth/o2/token')
  assert.equal(urlOf('www.amazon.de'), 'https://api.amazon.co.uk/auth/o2/token')
  assert.equal(urlOf('www.amazon.co.jp'), 'https://api.amazon.co.jp/auth/o2/token')
  assert.match(urlOf('www.amazon.de', '2.2'), /eu-south-2\.amazoncognito\.com\/oauth2\/token$/)
})

test('neither the secret nor a token is sent to a host that is not of Amazon', () => {
  const reader = createCredentialReader({ ...KEY }, createAddressGuard([]))
  const readFor = (settings: object) =>
    reader({
      connector: amazon,
      settings: AmazonSettings.parse(settings),
      source: { name: 'amazon-us' },
    })
  readFor({})
  for (const settings of [
    { apiUrl: 'https://amazon.example' },
    { tokenUrl: 'https://amazon.example/auth/o2/token' },
    { apiUrl: 'https://creatorsapi.amazon.evil.example' },
    { apiUrl: 'https://webservices.amazon.com' },
  ])
    assert.throws(
      () => readFor(settings),
      (error) => error instanceof SyncError && error.code === 'source/address-refused',
    )
})

test('a setting must be a marketplace and a language of it', () => {
  const fault = (settings: object) => AmazonSettings.safeParse(settings).error?.issues[0]?.message
  assert.match(fault({ marketplace: 'amazon.com' }) ?? '', /must be a marketplace: www\.amazon/)
  assert.match(fault({ language: 'de_AT' }) ?? '', /must be a language of www\.amazon\.com: en_US/)
  assert.equal(fault({ marketplace: 'www.amazon.de', language: 'tr_TR' }), undefined)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCredentials, type CredentialValues } from '../../core/credentials.ts'
import { SyncError } from '../../core/errors.ts'
import type { Http } from '../../core/http.ts'
import { createAddressGuard } from '../../node/address-guard.ts'
import { createCredentialReader } from '../../sources/credentials.ts'
import { medipim } from './connector.ts'
import { medipimCredentials, type MedipimCredentials } from './credentials.ts'

function parse(values: CredentialValues) {
  return parseCredentials(medipimCredentials, values, null)
}

test('the key is read from its two parts or from one variable', () => {
  const key = { id: 'an-id', secret: 'a:secret' }
  const parts = { MEDIPIM_API_KEY_ID: 'an-id', MEDIPIM_API_KEY_SECRET: 'a:secret' }
  assert.deepEqual(parse(parts).credentials?.key, key)
  assert.deepEqual(parse({ MEDIPIM_API_KEY: 'an-id:a:secret' }).credentials?.key, key)
  assert.deepEqual(parse({}).credentials, { key: null, hosts: [] })
})

test('hosts that may receive the key are read in lower case', () => {
  assert.deepEqual(parse({ MEDIPIM_HOSTS: 'Gateway.example:8443, b.example' }).credentials?.hosts, [
    'gateway.example:8443',
    'b.example',
  ])
})

test('the key is sent to hosts of MediPim, to this machine and to hosts that the operator lists, and no request is made elsewhere', async () => {
  const requested: string[] = []
  const recording: Http = ({ url }) => {
    requested.push(new URL(url).host)
    return Promise.reject(new SyncError('source/unavailable', 'recorded'))
  }
  const values = { MEDIPIM_API_KEY: '42:a-secret', MEDIPIM_HOSTS: 'gateway.example:8443' }
  const readCredentials = createCredentialReader(values, createAddressGuard([]))
  const fetchFrom = async (apiUrl: string): Promise<unknown> => {
    const settings = { apiUrl, market: 'au' as const }
    try {
      const credentials = readCredentials({
        source: { name: 'pharmacy' },
        connector: medipim,
        settings,
      }) as MedipimCredentials
      const request = {
        settings,
        credentials,
        scope: { kind: 'all' as const },
        cursor: null,
        http: recording,
        warn: () => {},
      }
      return await Array.fromAsync(medipim.fetch(request, new AbortController().signal))
    } catch (error) {
      return error
    }
  }
  const trusted = [
    'https://api.au.medipim.com',
    'https://api.sandbox.au.medipim.com',
    'https://api.medipim.be',
    'https://gateway.example:8443',
    'http://127.0.0.1:1',
    'http://[::1]:1',
    'http://localhost:1',
  ]
  for (const apiUrl of trusted) await fetchFrom(apiUrl)
  assert.deepEqual(
    [...new Set(requested)],
    trusted.map((url) => new URL(url).host),
  )
  requested.length = 0
  for (const apiUrl of [
    'https://medipim.com.evil.example',
    'https://evilmedipim.com',
    'https://api.medipim.co',
    'https://gateway.example',
    'https://api.medipim.be.',
    'https://127.0.0.1.evil.example',
    'https://10.0.0.1',
    'https://shop.example/api.medipim.be',
  ]) {
    const error = await fetchFrom(apiUrl)
    assert.ok(error instanceof SyncError && error.code === 'source/address-refused', apiUrl)
    assert.match(
      error.message,
      /^The key of pharmacy is not sent to .*: it is not a host of MediPim\. If it is yours, add it to MEDIPIM_HOSTS$/,
    )
  }
  assert.deepEqual(requested, [])
})

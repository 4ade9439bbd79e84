import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { SyncError } from '../core/errors.ts'
import { readBytes } from '../lib/http.ts'
import { createAddressGuard } from './address-guard.ts'
import { createHttp } from './http-client.ts'

const der = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts)
  const size = body.length < 128 ? [body.length] : [0x82, body.length >> 8, body.length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), body])
}
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

/** A self-signed certificate for `name` that is always valid (X.509 by hand, ECDSA P-256), so that no key lies in the repository. */
function selfSigned(name: string): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = der(0x30, hex('06082a8648ce3d040302'))
  const subject = der(0x30, der(0x31, der(0x30, hex('0603550403'), der(0x0c, Buffer.from(name)))))
  const validity = der(0x30, der(0x17, Buffer.from('200101000000Z')), der(0x18, Buffer.from('99991231235959Z')))
  const altName = der(0x30, hex('0603551d11'), der(0x04, der(0x30, der(0x82, Buffer.from(name)))))
  const version = der(0xa0, hex('020102'))
  const serial = hex('020101')
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const body = der(0x30, version, serial, algorithm, subject, validity, subject, spki, der(0xa3, der(0x30, altName)))
  const cert = der(0x30, body, algorithm, der(0x03, hex('00'), sign('sha256', body, privateKey)))
  const pem = `-----BEGIN CERTIFICATE-----\n${cert.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert: pem }
}

async function start(t: TestContext, { trusted, host = 'shop.test' }: { trusted: boolean; host?: string }) {
  const { key, cert } = selfSigned('shop.test')
  const server = createServer({ key, cert }, (request, response) => {
    if (request.url === '/down') response.writeHead(302, { location: 'http://shop.test/path?secret' }).end()
    else response.end('over TLS')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const guard = createAddressGuard(['*.test'], async () => [{ address: '127.0.0.1', family: 4 }])
  const http = createHttp({ guard, userAgent: 'Test/1', ...(trusted ? { ca: cert } : {}) })
  t.after(() => http.close())
  return (path: string) => http({ url: `https://${host}:${(server.address() as AddressInfo).port}${path}` }, new AbortController().signal)
}

const fails = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof SyncError && error.code === code && message.test(error.message) && !/secret|path/.test(error.message)

test('https works with a trusted certificate', async (t) => {
  const get = await start(t, { trusted: true })
  assert.equal(Buffer.from(await readBytes(await get('/'), 100)).toString(), 'over TLS')
})

test('an untrusted certificate and one of another host are unavailable', async (t) => {
  const untrusted = await start(t, { trusted: false })
  await assert.rejects(untrusted('/path?secret'), fails('source/unavailable', /shop\.test:\d+: its TLS certificate is not trusted/))
  const other = await start(t, { trusted: true, host: 'other.test' })
  await assert.rejects(other('/path?secret'), fails('source/unavailable', /certificate is for another host/))
})

test('https never falls back to http', async (t) => {
  const get = await start(t, { trusted: true })
  await assert.rejects(get('/down'), fails('source/address-refused', /from https to http:\/\/shop\.test/))
})

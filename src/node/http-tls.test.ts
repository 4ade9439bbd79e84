import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { createCertificate } from '../../test/support/certificate.ts'
import { SyncError } from '../core/errors.ts'
import { readBytes } from '../lib/read-body.ts'
import { createAddressGuard } from './address-guard.ts'
import { createHttp } from './http-client.ts'

async function start(
  t: TestContext,
  { trusted, host = 'shop.test' }: { trusted: boolean; host?: string },
) {
  const { key, cert } = createCertificate('shop.test')
  const server = createServer({ key, cert }, (request, response) => {
    if (request.url === '/down')
      response.writeHead(302, { location: 'http://shop.test/path?secret' }).end()
    else response.end('over TLS')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const guard = createAddressGuard(['*.test'], async () => [{ address: '127.0.0.1', family: 4 }])
  const http = createHttp({ guard, userAgent: 'Test/1', ...(trusted ? { ca: cert } : {}) })
  t.after(() => http.close())
  return (path: string) =>
    http(
      { url: `https://${host}:${(server.address() as AddressInfo).port}${path}` },
      new AbortController().signal,
    )
}

const fails = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof SyncError &&
  error.code === code &&
  message.test(error.message) &&
  !/secret|path/.test(error.message)

test('https works with a trusted certificate', async (t) => {
  const get = await start(t, { trusted: true })
  assert.equal(Buffer.from(await readBytes(await get('/'), 100)).toString(), 'over TLS')
})

test('an untrusted certificate and one of another host are unavailable', async (t) => {
  const untrusted = await start(t, { trusted: false })
  await assert.rejects(
    untrusted('/path?secret'),
    fails('source/unavailable', /shop\.test:\d+: its TLS certificate is not trusted/),
  )
  const other = await start(t, { trusted: true, host: 'other.test' })
  await assert.rejects(
    other('/path?secret'),
    fails('source/unavailable', /certificate is for another host/),
  )
})

test('https never falls back to http', async (t) => {
  const get = await start(t, { trusted: true })
  await assert.rejects(
    get('/down'),
    fails('source/address-refused', /from https to http:\/\/shop\.test/),
  )
})

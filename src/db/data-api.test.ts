// What a refusal of the Data API says of itself.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { says } from '../../test/support/says.ts'
import { DataApi } from './data-api.ts'

test('a key that the Data API quotes is taken out before the message is cut', async (t) => {
  const secretKey = 'planted-key-of-a-project'
  const server = createServer((_, response) => {
    response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ message: `${'x'.repeat(285)} ${secretKey}${'y'.repeat(500)}` }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const api = new DataApi({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, secretKey })
  await assert.rejects(api.call('list_sources', {}), says('db/unsuitable', /x{285} \[redacted\]y*…$/))
})

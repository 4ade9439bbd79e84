// Addresses that a user, a shop or a DNS server could give to reach a private network, through the client
// that all requests use: directly, and as the target of a redirect.

import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { createAddressGuard } from '../../src/node/address-guard.ts'
import { createHttp } from '../../src/node/http-client.ts'
import { isSyncError } from '../support/error-matchers.ts'

/** Each resolves, in the test's DNS, to the address after the arrow in the second list. */
const ADDRESSES: readonly string[] = [
  // IPv4 in each notation that resolvers and URL parsers know.
  'http://127.0.0.1/',
  'http://127.1/',
  'http://127.0.1/',
  'http://0177.0.0.1/',
  'http://0x7f.0.0.1/',
  'http://0x7f.1/',
  'http://0x7f000001/',
  'http://2130706433/',
  'http://017700000001/',
  'http://0/',
  'http://0.0.0.0/',
  'http://127.255.255.254/',
  'http://１２７.０.０.１/',
  'http://①②⑦.⓪.⓪.①/',
  'http://127。0。0。1/',
  'http://127.0.0.1./',
  'http://10.0.0.1/',
  'http://0xa.0.0.1/',
  'http://012.0.0.1/',
  'http://167772161/',
  'http://172.16.0.1/',
  'http://172.31.255.255/',
  'http://192.168.0.1/',
  'http://0300.0250.0.1/',
  'http://100.64.0.1/',
  'http://198.18.0.1/',
  'http://203.0.113.1/',
  'http://224.0.0.1/',
  'http://240.0.0.1/',
  'http://255.255.255.255/',
  // Metadata services of clouds.
  'http://169.254.169.254/latest/meta-data/',
  'http://0xa9fea9fe/',
  'http://2852039166/',
  'http://0251.0376.0251.0376/',
  'http://169.254.170.2/',
  'http://100.100.100.200/',
  'http://168.63.129.16/',
  'http://192.0.0.192/',
  'http://metadata.google.internal/',
  'http://[fd00:ec2::254]/',
  // IPv6: loopback, private, and addresses that contain an IPv4 address.
  'http://[::1]/',
  'http://[::]/',
  'http://[0:0:0:0:0:0:0:1]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::ffff:7f00:1]/',
  'http://[::ffff:10.0.0.1]/',
  'http://[::127.0.0.1]/',
  'http://[64:ff9b::127.0.0.1]/',
  'http://[64:ff9b::a00:1]/',
  'http://[64:ff9b:1::7f00:1]/',
  'http://[2002:7f00:1::]/',
  'http://[2002:a9fe:a9fe::]/',
  'http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/',
  'http://[fe80::1]/',
  'http://[fe80::1%25eth0]/',
  'http://[fc00::1]/',
  'http://[fd12:3456:789a::1]/',
  'http://[ff02::1]/',
  'http://[2001:db8::1]/',
  // Names.
  'http://localhost/',
  'http://LOCALHOST/',
  'http://localhost./',
  'http://ｌｏｃａｌｈｏｓｔ/',
  'http://db.localhost/',
  'http://db.internal/',
  'http://app.flycast/',
  'http://printer.local/',
  // Credentials, ports and schemes.
  'http://user@shop.example/',
  'http://user:secret@shop.example/',
  'http://shop.example@127.0.0.1/',
  'http://127.0.0.1\\@shop.example/',
  'http://shop.example:22/',
  'http://shop.example:6379/',
  'http://shop.example:5432/',
  'https://shop.example:80443/',
  'file:///etc/passwd',
  'ftp://shop.example/',
  'gopher://127.0.0.1:6379/_INFO',
  'dict://127.0.0.1:11211/stats',
  'ldap://127.0.0.1/',
  'data:text/plain,hello',
  'javascript:alert(1)',
  'ws://127.0.0.1/',
  // Controls: a URL parser removes line ends, and the rest is the address.
  'http://127.0.0.1\r\nHost: shop.example/',
  'http://127.0.0.1%0d%0aHost:%20shop.example/',
  'http://\t127.0.0.1/',
  'http://127.0.0.1\u0000.shop.example/',
  'http://%31%32%37.0.0.1/',
  'http://localhost%2f.shop.example/',
]

/** Names in the test's DNS: what they look like, and where they lead. */
const NAMES: ReadonlyMap<string, readonly string[]> = new Map([
  ['shop.example', ['127.0.0.1']],
  ['mapped.example', ['::ffff:127.0.0.1']],
  ['six.example', ['::1']],
  ['mixed.example', ['93.184.216.34', '10.0.0.1']],
  ['metadata.example', ['169.254.169.254']],
  ['nat64.example', ['64:ff9b::a9fe:a9fe']],
  // The first letter is Cyrillic: a homograph of a public shop.
  ['xn--hop-bmc.example', ['192.168.1.1']],
  ['127.0.0.1.nip.example', ['127.0.0.1']],
])

let requests = 0
const inside: Server = createServer((_, response) => {
  requests += 1
  response.end('secret')
})
let target = ''
const outside: Server = createServer((_, response) =>
  response.writeHead(302, { location: target }).end(),
)
for (const server of [inside, outside]) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  after(() => server.close())
}
const portOf = (server: Server): number => (server.address() as AddressInfo).port

const http = createHttp({
  guard: createAddressGuard([`127.0.0.1:${portOf(outside)}`], async (name) =>
    (NAMES.get(name) ?? []).map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
  ),
  userAgent: 'test',
})
after(() => http.close())
const signal = new AbortController().signal
const REFUSED = isSyncError('source/address-refused', /./)

test('no hostile address is requested, and each is refused as such', async () => {
  assert.ok(ADDRESSES.length >= 60, String(ADDRESSES.length))
  for (const url of ADDRESSES)
    await assert.rejects(http({ url }, signal), REFUSED, JSON.stringify(url))
  assert.equal(requests, 0)
})

test('no redirect leads to a hostile address', async () => {
  for (const url of ADDRESSES) {
    // A header holds Latin-1, and a server cannot send a line end in it.
    target = encodeURI(url.replaceAll(/\p{Cc}/gu, '')).replaceAll('%25', '%')
    const error: unknown = await http({ url: `http://127.0.0.1:${portOf(outside)}/` }, signal).then(
      () => null,
      (thrown: unknown) => thrown,
    )
    assert.ok(error instanceof Error && 'code' in error, url)
    assert.ok(['source/address-refused', 'source/unavailable'].includes(String(error.code)), url)
  }
  assert.equal(requests, 0)
})

test('no name that leads into a private network is connected to, in any spelling', async () => {
  for (const name of [...NAMES.keys(), 'SHOP.example'])
    await assert.rejects(http({ url: `http://${name}/` }, signal), REFUSED, name)
  assert.equal(requests, 0)
})

test('headers without an end are refused', async (t) => {
  const endless = createServer((request) => {
    request.socket.write('HTTP/1.1 200 OK\r\n')
    const line = `X-Filler: ${'a'.repeat(4096)}\r\n`
    const write = (): void => {
      while (!request.socket.destroyed && request.socket.write(line));
      if (!request.socket.destroyed) request.socket.once('drain', write)
    }
    request.socket.on('error', () => {})
    write()
  })
  endless.listen(0, '127.0.0.1')
  await once(endless, 'listening')
  t.after(() => endless.close())
  const own = createHttp({ guard: createAddressGuard(['127.0.0.1']), userAgent: 'test' })
  t.after(() => own.close())
  await assert.rejects(
    own({ url: `http://127.0.0.1:${portOf(endless)}/` }, signal),
    isSyncError('source/unavailable', /headers are too large/),
  )
})

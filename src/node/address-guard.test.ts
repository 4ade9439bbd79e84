import assert from 'node:assert/strict'
import type { LookupAddress } from 'node:dns'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { test } from 'node:test'
import { SyncError } from '../core/errors.ts'
import { createAddressGuard, type AllowPrivateHosts } from './address-guard.ts'
import { parseHostPattern } from './host-patterns.ts'
import { createHttp } from './http-client.ts'

const EVERYWHERE = ['0.0.0.0/0', '::/0']

const refusal = (error: unknown) =>
  error instanceof SyncError && error.code === 'source/address-refused'
const isRefused = (url: string, allow: AllowPrivateHosts = []) => {
  try {
    createAddressGuard(allow).check(new URL(url))
    return false
  } catch (error) {
    if (refusal(error)) return true
    throw error
  }
}

/** Returns the addresses for a connection to `url` when DNS returns `addresses`. */
function look(
  url: string,
  addresses: readonly string[],
  allow: AllowPrivateHosts = [],
): Promise<LookupAddress[]> {
  const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  const lookup = createAddressGuard(allow, async () => found).lookupFor(new URL(url))
  return new Promise((resolve, reject) => {
    lookup('name', { all: true }, (error, resolved) =>
      error !== null ? reject(error) : resolve(resolved as LookupAddress[]),
    )
  })
}

const PRIVATE = [
  '0.0.0.0',
  '0.1.2.3',
  '10.0.0.1',
  '100.64.0.1',
  '100.127.255.255',
  '127.0.0.1',
  '127.255.255.254',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.1',
  '192.0.2.1',
  '192.88.99.1',
  '192.168.1.1',
  '198.18.0.1',
  '198.19.255.255',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '239.255.255.255',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::127.0.0.1',
  '::8.8.8.8',
  '::ffff:127.0.0.1',
  '::ffff:10.0.0.1',
  '::ffff:0:127.0.0.1',
  '64:ff9b::7f00:1',
  '64:ff9b::808:808',
  '64:ff9b:1::a00:1',
  '100::1',
  '2001::1',
  '2001:0:7f00:1::',
  '2001:2::1',
  '2001:10::1',
  '2001:db8::1',
  '3fff::1',
  '2002:7f00:1::',
  '2002:a00:1::1',
  'fc00::1',
  'fd00:ec2::254',
  'fdaa:0:1::3',
  'fe80::1',
  'febf::1',
  'fec0::1',
  'ff02::1',
  '4000::1',
  '5f00::1',
  '8000::1',
  'e000::1',
]
const PUBLIC = [
  '1.1.1.1',
  '8.8.8.8',
  '100.63.255.255',
  '100.128.0.1',
  '172.15.0.1',
  '172.32.0.1',
  '192.167.1.1',
  '2606:4700::1111',
  '2a00:1450::1',
]
const literal = (address: string) => (address.includes(':') ? `[${address}]` : address)

test('addresses outside the public internet are rejected, as a literal or from DNS', async () => {
  for (const address of PRIVATE) {
    assert.ok(isRefused(`https://${literal(address)}/`), address)
    await assert.rejects(look('https://shop.example/', [address]), refusal, address)
  }
})

test('public addresses are accepted, as a literal and from DNS', async () => {
  for (const address of PUBLIC) {
    assert.ok(!isRefused(`https://${literal(address)}/`), address)
    assert.equal((await look('https://shop.example/', [address]))[0]?.address, address)
  }
})

test('a mapped address is judged as the IPv4 address that it reaches', () => {
  assert.ok(isRefused('http://[::ffff:192.168.0.1]/'))
  assert.ok(!isRefused('http://[::ffff:8.8.8.8]/'))
})

test('unusual notations of a private address are recognised', () => {
  for (const host of [
    '2130706433',
    '0x7f000001',
    '017700000001',
    '0177.0.0.1',
    '0x7f.0.0.1',
    '0x7f.1',
    '127.1',
    '127.0.1',
    '0',
    '127.0.0.1.',
    '0x7F.0X0.0.1',
    '3232235521',
    '10.1',
    '%31%32%37.0.0.1',
    '①②⑦.⓪.⓪.①',
    '127。0。0。1',
    '[::ffff:7f00:1]',
    '[0:0:0:0:0:ffff:127.0.0.1]',
    '[0000::0001]',
  ])
    assert.ok(isRefused(`http://${host}/`), host)
})

test('names of private networks are rejected without a DNS lookup', () => {
  for (const host of [
    'localhost',
    'LOCALHOST',
    'localhost.',
    'localhost..',
    'a.localhost',
    'app.internal',
    'top1.nearest.of.app.internal.',
    'internal',
    'db.flycast',
    'printer.local',
    'ｌocalhost',
    'metadata.google.internal',
  ])
    assert.ok(isRefused(`http://${host}/`), host)
  for (const host of ['localhost.example', 'internal.example', 'notlocalhost.com', 'mylocal'])
    assert.ok(!isRefused(`http://${host}/`), host)
})

test('only http and https are accepted, and no credentials in the address', () => {
  for (const url of [
    'file:///etc/passwd',
    'ftp://shop.example/',
    'data:text/plain,x',
    'gopher://shop.example/',
    'http://user@shop.example/',
    'https://u:p@8.8.8.8/',
  ]) {
    assert.ok(isRefused(url), url)
    assert.ok(isRefused(url, EVERYWHERE), url)
  }
})

test('ports other than 80 and 443 need a permission', async () => {
  assert.ok(isRefused('http://8.8.8.8:6379/'))
  await assert.rejects(look('https://shop.example:8443/', ['8.8.8.8']), refusal)
  assert.ok(!isRefused('http://8.8.8.8:443/'))
  assert.equal(
    (await look('https://shop.example:8443/', ['8.8.8.8'], ['shop.example:8443'])).length,
    1,
  )
})

test('one private address among public ones is rejected', async () => {
  await assert.rejects(
    look('https://shop.example/', ['8.8.8.8', '10.0.0.1']),
    /shop\.example is refused: it leads to 10\.0\.0\.1: the range "private"/,
  )
})

test('permissions are by host, wildcard, address, range and port', async () => {
  assert.ok(!isRefused('http://127.0.0.1:8080/', EVERYWHERE))
  assert.ok(!isRefused('http://localhost:3000/', ['localhost']))
  assert.ok(isRefused('http://other.localhost:3000/', ['localhost']))
  assert.ok(!isRefused('http://other.localhost:3000/', ['*.localhost']))
  assert.ok(!isRefused('http://127.0.0.1:8080/', ['127.0.0.1:8080']))
  assert.ok(isRefused('http://127.0.0.1:8081/', ['127.0.0.1:8080']))
  assert.ok(!isRefused('http://10.9.8.7:81/', ['10.0.0.0/8']))
  assert.ok(isRefused('http://11.9.8.7:81/', ['10.0.0.0/8']))
  assert.ok(!isRefused('http://[fdaa::1]:81/', ['fdaa::/16']))
  assert.ok(!isRefused('http://[::1]:81/', ['[::1]:81']))
  assert.equal(
    (await look('http://shop.internal:8080/', ['10.0.0.1'], ['SHOP.internal:8080'])).length,
    1,
  )
  assert.equal((await look('http://intranet.example/', ['10.0.0.1'], ['10.0.0.0/8'])).length, 1)
  await assert.rejects(
    look('http://intranet.example/', ['10.0.0.1', '192.168.0.1'], ['10.0.0.0/8']),
    refusal,
  )
})

test('a cloud metadata address is reachable only when it is allowed by its exact address', async () => {
  const metadata = [
    '169.254.169.254',
    '169.254.170.2',
    '169.254.170.23',
    '169.254.0.23',
    '169.254.42.42',
    '168.63.129.16',
    '100.100.100.200',
    '192.0.0.192',
    'fd00:ec2::254',
    'fd00:ec2::23',
    'fd20:ce::254',
    'fd00:c1::a9fe:a9fe',
    'fd00:42::42',
    'fe80::a9fe:a9fe',
  ]
  const ways = [
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::a9fe:a9fe',
    '2002:a9fe:a9fe::',
    '::a9fe:a9fe',
    '::ffff:0:169.254.169.254',
    '::ffff:169.254.169.254',
    '::ffff:168.63.129.16',
  ]
  const wide = [
    ...EVERYWHERE,
    '169.254.0.0/16',
    'fd00::/8',
    '*.internal',
    'metadata.google.internal',
    'shop.example',
  ]
  for (const address of [...metadata, ...ways]) {
    assert.ok(isRefused(`http://${literal(address)}/`, wide), address)
    for (const host of ['metadata.google.internal', 'shop.example'])
      await assert.rejects(look(`http://${host}/`, [address], wide), refusal, address)
  }
  for (const address of metadata) {
    assert.ok(!isRefused(`http://${literal(address)}/`, [literal(address)]), address)
    assert.ok(!isRefused(`http://${literal(address)}/`, [`${literal(address)}:80`]), address)
    assert.ok(
      isRefused(`http://${literal(address)}/`, [`${literal(address)}:81`, ...EVERYWHERE]),
      address,
    )
  }
  assert.ok(!isRefused('http://2852039166/', ['169.254.169.254']))
  assert.ok(
    isRefused('http://168.63.129.16/'),
    'rejected by default, although it is a public address',
  )
  for (const neighbour of [
    '168.63.129.17',
    '100.100.100.201',
    '10.0.0.1',
    'fd00:ec2::255',
    '::a00:1',
  ])
    assert.ok(!isRefused(`http://${literal(neighbour)}/`, EVERYWHERE), neighbour)
})

test('this machine and hosts that are allowed by name or address are our own', () => {
  const isOwn = (url: string, allow: AllowPrivateHosts = []) =>
    createAddressGuard(allow).isOwn(new URL(url))
  for (const url of [
    'http://127.0.0.1:8/',
    'http://127.9.9.9/',
    'http://[::1]/',
    'http://localhost/',
    'http://a.localhost/',
  ])
    assert.ok(isOwn(url), url)
  for (const url of [
    'http://shop.example/',
    'http://8.8.8.8/',
    'http://10.0.0.1/',
    'http://db.internal/',
  ])
    assert.ok(!isOwn(url), url)
  for (const url of ['http://10.0.0.1/', 'http://db.internal/'])
    assert.ok(isOwn(url, ['10.0.0.0/8', '*.internal']), url)
  assert.ok(!isOwn('http://db.internal:81/', ['db.internal:80']))
})

test('a pattern that is not a host, an address or a range is an error', () => {
  for (const pattern of [
    '',
    'http://x',
    'a b',
    '10.0.0.0/33',
    'x:port',
    '*',
    'a:1:2x',
    '1',
    '0',
    'true',
    'FALSE',
    'yes',
    'all',
    '1:80',
    'y',
    'enabled',
    '.',
    '-',
    'a..b',
    '[::1',
    'a:65536',
    '127.1',
    '10.0',
    '300.1.1.1',
    '0x7f000001',
    '*.1',
  ])
    assert.throws(() => parseHostPattern(pattern), pattern)
})

test('a name that is public at the check and private afterwards is never connected to', async (t) => {
  const responses = [['8.8.8.8'], ['127.0.0.1']]
  const lookups: string[] = []
  let hits = 0
  const server = createServer((_, response) => void response.end(String(hits++))).listen(
    0,
    '127.0.0.1',
  )
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const resolve = async (name: string) => {
    lookups.push(name)
    return (responses.shift() ?? ['127.0.0.1']).map((address) => ({ address, family: 4 }))
  }
  const guard = createAddressGuard(['8.8.8.8'], resolve)
  const url = new URL(`http://rebind.example:${port}/`)
  await new Promise((done) => guard.lookupFor(url)('rebind.example', { all: true }, done))
  const http = createHttp({ guard, userAgent: 'Test/1' })
  t.after(() => http.close())
  await assert.rejects(http({ url: url.href }, new AbortController().signal), refusal)
  assert.equal(hits, 0)
  assert.deepEqual(lookups, ['rebind.example', 'rebind.example'])
})

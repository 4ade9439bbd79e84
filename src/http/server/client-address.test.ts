import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { createNetworks } from '../../node/networks.ts'
import { findClientAddress, toNetwork } from './client-address.ts'

function requestFrom(
  remoteAddress: string | undefined,
  headers: IncomingMessage['headers'] = {},
): IncomingMessage {
  const request = new IncomingMessage(
    Object.defineProperty(new Socket(), 'remoteAddress', { value: remoteAddress }),
  )
  Object.assign(request.headers, headers)
  return request
}

test('each IPv4 address is a network, also when mapped into IPv6', () => {
  assert.equal(toNetwork('203.0.113.7'), '203.0.113.7')
  assert.equal(toNetwork('::ffff:203.0.113.7'), '203.0.113.7')
  assert.notEqual(toNetwork('203.0.113.8'), toNetwork('203.0.113.7'))
})

test('all IPv6 addresses of a /64 are one network in any notation', () => {
  const network = toNetwork('2001:db8:1:2:3:4:5:6')
  for (const same of [
    '2001:db8:1:2::',
    '2001:0DB8:0001:0002:ffff:ffff:ffff:ffff',
    '2001:db8:1:2::1%eth0',
  ])
    assert.equal(toNetwork(same), network, same)
  assert.notEqual(toNetwork('2001:db8:1:3::1'), network)
  assert.equal(toNetwork('not an address'), toNetwork('unknown'))
})

test('a client is the address of its socket; Fly-Client-IP counts only if it is trusted', () => {
  const fly = (flyHeader: boolean, remote: string | undefined, header?: string) =>
    findClientAddress(requestFrom(remote, { 'fly-client-ip': header }), {
      flyHeader,
      proxies: createNetworks([]),
    })
  assert.equal(fly(false, '::ffff:203.0.113.7', '198.51.100.1'), '203.0.113.7')
  assert.equal(fly(true, '203.0.113.7', '198.51.100.1'), '198.51.100.1')
  assert.equal(fly(true, '203.0.113.7', 'me, 198.51.100.1'), '203.0.113.7')
  assert.equal(fly(true, '203.0.113.7'), '203.0.113.7')
  assert.equal(fly(true, undefined), 'unknown')
})

test('X-Forwarded-For is read from its end while its entries are trusted proxies', () => {
  const proxies = createNetworks(['10.0.0.0/8', '127.0.0.1', 'fd00::/8'])
  const client = (remote: string, forwarded?: string) =>
    findClientAddress(requestFrom(remote, { 'x-forwarded-for': forwarded }), {
      flyHeader: false,
      proxies,
    })
  for (const [remote, forwarded, expected] of [
    ['203.0.113.7', '198.51.100.1', '203.0.113.7'],
    ['10.0.0.1', undefined, '10.0.0.1'],
    ['10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['::ffff:10.0.0.1', 'invented, 9.9.9.9, 198.51.100.1', '198.51.100.1'],
    ['10.0.0.1', '9.9.9.9, 198.51.100.1, 10.0.0.2,127.0.0.1', '198.51.100.1'],
    ['fd00::1', '2001:db8::1, fd00::2', '2001:db8::1'],
    ['10.0.0.1', '198.51.100.1:4711', '198.51.100.1'],
    ['10.0.0.1', '[2001:db8::1]:4711', '2001:db8::1'],
    ['10.0.0.1', '::ffff:198.51.100.1', '198.51.100.1'],
    ['10.0.0.1', '9.9.9.9, unknown', '10.0.0.1'],
    ['10.0.0.1', '9.9.9.9, 010.0.0.1', '10.0.0.1'],
    ['10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['10.0.0.1', '', '10.0.0.1'],
  ] as const)
    assert.equal(client(remote, forwarded), expected, `${remote} ${forwarded}`)
})

import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { clientOf, networkOf } from './caller.ts'

function requestFrom(remoteAddress: string | undefined, flyClientIp?: string): IncomingMessage {
  const request = new IncomingMessage(Object.defineProperty(new Socket(), 'remoteAddress', { value: remoteAddress }))
  if (flyClientIp !== undefined) request.headers['fly-client-ip'] = flyClientIp
  return request
}

test('an IPv4 address is a network by itself, also inside IPv6', () => {
  assert.equal(networkOf('203.0.113.7'), '203.0.113.7')
  assert.equal(networkOf('::ffff:203.0.113.7'), '203.0.113.7')
  assert.notEqual(networkOf('203.0.113.8'), networkOf('203.0.113.7'))
})

test('all IPv6 addresses of a /64 are one network, however they are written', () => {
  const network = networkOf('2001:db8:1:2:3:4:5:6')
  for (const same of ['2001:db8:1:2::', '2001:0DB8:0001:0002:ffff:ffff:ffff:ffff', '2001:db8:1:2::1%eth0']) assert.equal(networkOf(same), network, same)
  assert.notEqual(networkOf('2001:db8:1:3::1'), network)
  assert.equal(networkOf('not an address'), networkOf('unknown'))
})

test("a client is its socket's address, and what a header says only behind the proxy that sets it", () => {
  assert.equal(clientOf(requestFrom('::ffff:203.0.113.7', '198.51.100.1'), false), '203.0.113.7')
  assert.equal(clientOf(requestFrom('203.0.113.7', '198.51.100.1'), true), '198.51.100.1')
  assert.equal(clientOf(requestFrom('203.0.113.7', 'me, 198.51.100.1'), true), '203.0.113.7')
  assert.equal(clientOf(requestFrom('203.0.113.7'), true), '203.0.113.7')
  assert.equal(clientOf(requestFrom(undefined), true), 'unknown')
})

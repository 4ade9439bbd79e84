import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createNetworks } from './networks.ts'

test('an address is matched by its bits, and IPv4 inside IPv6 is IPv4', () => {
  const networks = createNetworks(['10.0.0.0/8', '203.0.113.7', 'fd00::/8', '2001:db8::1'])
  for (const inside of ['10.255.0.1', '::ffff:10.0.0.1', '203.0.113.7', 'fd12::1', '2001:db8::1'])
    assert.ok(networks.includes(inside), inside)
  for (const outside of ['11.0.0.1', '203.0.113.8', 'fe80::1', '2001:db8::2', 'unknown', ''])
    assert.ok(!networks.includes(outside), outside)
})

test('text that is not a network and ranges of every address are rejected', () => {
  for (const wrong of [
    '1',
    'true',
    'localhost',
    '0x7f000001',
    '10.0.0.0/33',
    '0.0.0.0/0',
    '::/0',
    '10.0.0.1:80',
    '[::1]',
    '*',
    '',
    '10.0.0',
  ]) {
    assert.throws(() => createNetworks([wrong]), wrong)
  }
})

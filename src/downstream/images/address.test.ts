import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CDN_CHANNELS, toImageAddress } from './address.ts'

const CDN = 'https://cdn.shopify.com/s/files/1/0738/files'

test('the sizes of a Shopify picture have one key, and the original is requested', () => {
  const original = toImageAddress(`${CDN}/bag.jpg?v=1758`)
  assert.equal(original?.url, `${CDN}/bag.jpg?v=1758`)
  for (const name of [
    'bag_600x600.jpg?v=1758',
    'bag_600x.jpg?v=1758',
    'bag_x600@2x.jpg?v=1758',
    'bag_600x600_crop_center.progressive.jpg?v=1758',
    'bag_grande.jpg?v=1758&width=300&height=200&crop=center',
    'bag.jpg?width=1946&v=1758#a',
  ])
    assert.deepEqual(toImageAddress(`${CDN}/${name}`), original, name)
})

test('a version is not part of the key, and the greater one is newer', () => {
  const [old, newer] = ['1758', '1759'].map((v) => toImageAddress(`${CDN}/bag.jpg?v=${v}`))
  assert.equal(old?.key, newer?.key)
  assert.deepEqual([old?.version, newer?.version], [1758, 1759])
})

test('different pictures have different keys', () => {
  const addresses = [
    `${CDN}/bag.jpg?v=1`,
    `${CDN}/bag_red.jpg?v=1`,
    `${CDN}/bag.png?v=1`,
    // A name that only looks like a size.
    `${CDN}/bag_12oz.jpg?v=1`,
    'https://shop.example/bag_600x600.jpg',
    'https://shop.example/bag.jpg',
    'https://shop.example/bag.jpg?v=1',
    'https://shop.example/bag.jpg?v=2',
    'https://shop.example/image?id=1',
    'https://shop.example/image?id=2',
    'https://other.example/bag.jpg',
  ]
  const keys = addresses.map((address) => toImageAddress(address)?.key)
  assert.equal(new Set(keys).size, addresses.length)
})

test('an address without a scheme, with http or with a fragment is the same picture', () => {
  const keys = [
    'https://shop.example/a.jpg',
    'http://shop.example/a.jpg',
    '//shop.example/a.jpg',
    'https://SHOP.example:443/b/../a.jpg#top',
  ].map((address) => toImageAddress(address)?.key)
  assert.equal(new Set(keys).size, 1)
})

test('an address that cannot be requested has no key', () => {
  for (const text of [
    '',
    'a.jpg',
    '/a.jpg',
    'data:image/png;base64,AAAA',
    'javascript:alert(1)',
    'file:///etc/passwd',
    'ftp://shop.example/a.jpg',
    'https://user:password@shop.example/a.jpg',
    `https://shop.example/${'a'.repeat(5000)}.jpg`,
  ])
    assert.equal(toImageAddress(text), null, text)
})

test('a CDN of many shops has several channels, any other host has one', () => {
  const channels = new Set<string | undefined>()
  for (let i = 0; i < 100; i += 1) channels.add(toImageAddress(`${CDN}/${i}.jpg`)?.channel)
  assert.equal(channels.size, CDN_CHANNELS)
  assert.equal(toImageAddress('https://shop.example/a.jpg')?.channel, 'shop.example')
})

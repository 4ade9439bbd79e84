import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readTypedKey } from '../../core/typed-key.ts'
import { amazon } from './connector.ts'
import { AmazonSettings } from './settings.ts'

const settings = AmazonSettings.parse({ marketplace: 'www.amazon.com' })
const read = (text: string) => readTypedKey(amazon, text, settings)

test('an ASIN is read in any case, from a text or from the address of its page', () => {
  for (const text of [
    'B08DQQ8CBP',
    ' b08dqq8cbp\t',
    'https://www.amazon.com/dp/B08DQQ8CBP',
    'https://www.amazon.com/dp/B08DQQ8CBP?th=1&tag=other-20&linkCode=ogi',
    'https://www.amazon.com/ESP32-DevKitC-32UE-Board/dp/B08DQQ8CBP/ref=sr_1_3?crid=1&keywords=esp32',
    'http://amazon.com/gp/product/B08DQQ8CBP/ref=ppx_yo',
    'https://www.amazon.com/gp/aw/d/B08DQQ8CBP/',
    'https://smile.amazon.com/gp/offer-listing/b08dqq8cbp',
    'https://www.amazon.com/product-reviews/B08DQQ8CBP#reviews',
    'https://www.amazon.com/exec/obidos/ASIN/B08DQQ8CBP',
    'https://www.amazon.com/-/es/dp/B08DQQ8CBP',
    'https://www.amazon.com/s?asin=B08DQQ8CBP',
    'www.amazon.com/dp/B08DQQ8CBP',
    'HTTPS://WWW.AMAZON.COM/DP/B08DQQ8CBP',
  ])
    assert.deepEqual(read(text), { key: 'B08DQQ8CBP', problem: null }, text)
  assert.equal(read('080442957x').key, '080442957X')
})

test('any other text is explained', () => {
  for (const [text, problem] of [
    ['', /is empty/],
    ['B08DQQ8CB', /"B08DQQ8CB" is not an ASIN: it has 9 characters instead of 10/],
    ['B08DQQ8CBPX', /11 characters instead of 10/],
    ['B08DQQ-CBP', /other characters than letters and digits/],
    ['HELLOWORLD', /has no digit/],
    ['В08DQQ8CBP', /other characters/],
    ['978-0-8044-2957-3', /ISBN with 13 digits/],
    ['https://www.amazon.com/dp/B08DQQ8CB', /"B08DQQ8CB" is not an ASIN: it has 9/],
    ['https://www.amazon.com/s?k=esp32', /names no ASIN.*https:\/\/www\.amazon\.com\/dp\//],
    ['https://www.amazon.de/dp/B08DQQ8CBP', /of www\.amazon\.de, but .* from www\.amazon\.com$/],
    ['https://amzn.to/3abcdef', /short link/],
    ['https://example.com/dp/B08DQQ8CBP', /"example\.com" is not a marketplace of Amazon/],
    ['https://www.amazon.com.evil.example/dp/B08DQQ8CBP', /is not a marketplace of Amazon/],
    ['https://', /other characters/],
  ] as const) {
    const { key, problem: said } = read(text)
    assert.equal(key, null, text)
    assert.match(said ?? '', problem)
  }
  assert.ok((read('B'.repeat(100_000)).problem ?? '').length < 250)
})

test('any text is either an ASIN or explained in a sentence', () => {
  const text = fc.string()
  const address = text.map((path) => `https://www.amazon.com/dp/${path}`)
  fc.assert(
    fc.property(fc.oneof(text, address), (input) => {
      const { key, problem } = read(input)
      assert.equal(key === null, problem !== null)
      if (key !== null) assert.match(key, /^[A-Z0-9]{10}$/)
      assert.ok((problem ?? '').length < 400)
    }),
  )
})

test('the id is the text itself for a connector that reads no other form', () => {
  assert.deepEqual(readTypedKey({}, ' 1001 ', {}), { key: '1001', problem: null })
  assert.equal(readTypedKey({}, 'x'.repeat(201), {}).key, null)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSourceList } from './source-list.ts'

test('a list has one address in each line, without comments and empty lines', () => {
  const text = '\uFEFF# shops\r\nhttps://a.example\r\n\r\n  b.example  \n# https://c.example'
  assert.deepEqual(
    parseSourceList(text).map(({ shop, name, set }) => [shop, name, set]),
    [
      ['https://a.example', null, {}],
      ['b.example', null, {}],
    ],
  )
  assert.deepEqual(parseSourceList('# nothing\n'), [])
})

test('in CSV the first line names the columns, and other columns are settings', () => {
  const text = [
    'name,URL,currency,minIntervalMs,Platform',
    'one,https://a.example,AUD,5,shopify',
    '# a comment',
    ',"https://b.example/x,y",,',
    'three',
  ].join('\n')
  assert.deepEqual(parseSourceList(text), [
    {
      shop: 'https://a.example',
      name: 'one',
      platform: 'shopify',
      replaces: null,
      set: { currency: 'AUD', minIntervalMs: 5 },
    },
    { shop: 'https://b.example/x,y', name: null, platform: null, replaces: null, set: {} },
    { shop: '', name: 'three', platform: null, replaces: null, set: {} },
  ])
  assert.deepEqual(parseSourceList('url\na.example'), [
    { shop: 'a.example', name: null, platform: null, replaces: null, set: {} },
  ])
})

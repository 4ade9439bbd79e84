import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Output } from '../terminal/output.ts'
import { formatTried } from './found.ts'

const SHOP = 'https://some-shop.example'

function openOutput(columns: number): Output {
  const stream = { write: () => undefined, isTTY: true, columns }
  return new Output(stream, stream)
}

function format(columns: number, ...requests: readonly (readonly [string, string])[]): string {
  return formatTried(
    openOutput(columns),
    requests.map(([path, response]) => ({ connector: 'website', url: SHOP + path, response })),
  )
}

test('an address with an escape that is not UTF-8 is shown as it was requested', () => {
  assert.equal(
    format(80, ['/?rest_route=%2Fwc%2Fstore', '200, JSON'], ['/caf%E9?q=%E9', '404, text']),
    '  /?rest_route=/wc/store  200, JSON\n  /caf%E9?q=%E9           404, text',
  )
})

test('a path is cut so that its response stays on the line of a narrow terminal', () => {
  const path = '/?rest_route=/wc/store/v1/products&per_page=1'
  const text = format(60, [path, '200, web page'], ['/', 'no response: the host does not respond'])
  assert.match(text, /^ {2}\/\?rest_route=\/wc\/store\S*… {2}200, web page$/m)
  assert.match(format(80, [path, '200, web page']), /products&per_page=1 {2}200/)
  assert.ok((text.split('\n')[0] ?? '').length <= 60, text)
})

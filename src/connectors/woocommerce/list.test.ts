// Tests a list that changes while it is read, repeats itself, or has no count: the products that are
// read, and whether they count as all.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { catchSyncError } from '../../../test/support/shopify.ts'
import { listWooIds, openWoo, readWoo, readWooWhile } from '../../../test/support/woocommerce.ts'

test('a list is read position by position, and its count proves that nothing is missing', async (t) => {
  const simulator = await openWoo(t, { products: 250 })
  const pages = await readWoo(simulator)
  assert.deepEqual(
    pages.map(({ lineCount, complete, expected }) => [lineCount, complete, expected]),
    [
      [100, false, 250],
      [99, false, 250],
      [51, true, 250],
    ],
  )
  assert.deepEqual(
    listWooIds(pages),
    simulator.shop.products().map(({ id }) => id),
  )
  for (const { cursor } of pages) {
    const rest = await readWoo(simulator, { cursor })
    assert.equal(rest.at(-1)?.complete, true)
  }
})

test('without a count, the list ends where a position has no further product', async (t) => {
  for (const beyond of ['empty', 'error'] as const)
    for (const products of [0, 1, 99, 100, 101, 199, 250]) {
      const simulator = await openWoo(t, { products, totals: false, beyond })
      const pages = await readWoo(simulator)
      assert.equal(listWooIds(pages).length, products)
      assert.deepEqual([pages.at(-1)?.complete, pages.at(-1)?.expected], [true, null])
    }
})

test('a shop that allows smaller pages only is read as a whole', async (t) => {
  const simulator = await openWoo(t, { products: 45, pageSizeMax: 20 })
  const pages = await readWoo(simulator)
  assert.deepEqual(
    listWooIds(pages),
    simulator.shop.products().map(({ id }) => id),
  )
  assert.equal(pages.at(-1)?.complete, true)
})

for (const totals of [true, false])
  for (const [gone, requests] of [
    [1, 5],
    [60, 5],
    [99, 5],
  ] as const)
    test(`products that move forward are found after ${gone} others are removed, ${totals ? 'with' : 'without'} a count`, async (t) => {
      const simulator = await openWoo(t, { products: 250, totals })
      const ids = simulator.shop.products().map(({ id }) => id)
      let isMoved = false
      const { pages, lists } = await readWooWhile(simulator, (list) => {
        if (list === 'products 0' && !isMoved) simulator.shop.remove(...ids.slice(0, gone))
        isMoved = true
      })
      assert.deepEqual(listWooIds(pages), ids)
      assert.equal(pages.at(-1)?.complete, true)
      const read = lists.filter((list) => list.startsWith('products'))
      assert.ok(read.length <= requests + (totals ? 0 : 1), read.join(', '))
    })

test('a list of which a whole page is removed while it is read is cut short', async (t) => {
  const simulator = await openWoo(t, { products: 250 })
  const ids = simulator.shop.products().map(({ id }) => id)
  const reading = readWooWhile(simulator, (list) => {
    if (list === 'products 0') simulator.shop.remove(...ids.slice(0, 100))
  })
  const error = await catchSyncError(reading)
  assert.equal(error.code, 'source/cut-short')
  assert.match(error.message, /changed 100 products in its list/)
})

test('a list that ignores the position is refused on its second page', async (t) => {
  for (const totals of [true, false]) {
    const simulator = await openWoo(t, { products: 150, totals, ignoresOffset: true })
    const error = await catchSyncError(readWoo(simulator))
    assert.equal(error.code, 'source/malformed')
    assert.match(error.message, /it ignores "offset"/)
  }
})

test('products that the shop counts and cannot list leave the run incomplete, with the numbers', async (t) => {
  for (const [products, unreadable] of [
    [150, 3],
    [150, 400],
    [0, 3],
  ] as const) {
    const simulator = await openWoo(t, { products, unreadable })
    const warnings: string[] = []
    const pages = await readWoo(simulator, { warnings })
    assert.equal(listWooIds(pages).length, products)
    assert.equal(pages.at(-1)?.complete, false)
    assert.match(
      warnings.join('\n'),
      new RegExp(`counts ${products + unreadable} products and lists ${products}`),
    )
  }
})

test('a count below the products that are there does not end the list', async (t) => {
  const simulator = await openWoo(t, { products: 150, unreadable: -149 })
  const pages = await readWoo(simulator)
  assert.equal(listWooIds(pages).length, 150)
})

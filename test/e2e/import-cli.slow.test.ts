// `shelfsync import` as a new user types it.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { ESP32 } from '../../simulators/amazon/product.ts'
import { DEFAULTS } from '../../simulators/amazon/switches.ts'
import { CREDENTIAL_VARIABLES, GET_ITEMS, openAmazon } from '../support/amazon.ts'
import { openBreaker } from '../support/requests.ts'
import { openShelfsync } from './shelfsync.ts'

const ENV = { ...CREDENTIAL_VARIABLES, AMAZON_PARTNER_TAG: DEFAULTS.tags[0] }

test('without a source the error names the command that adds it', async (t) => {
  const shelf = await openShelfsync(t, ENV)
  const { code, stderr } = await shelf.run(
    'import',
    'B08DQQ8CBP',
    '--marketplace',
    'www.amazon.com',
  )
  assert.equal(code, 1)
  assert.match(
    stderr,
    /No source reads www\.amazon\.com.*shelfsync add amazon --marketplace www\.amazon\.com/,
  )
  const wrong = await shelf.run('import', 'B08DQQ8CBP', '--marketplace', 'www.amazon.example')
  assert.deepEqual([wrong.code, wrong.stdout], [64, ''])
  assert.match(wrong.stderr, /www\.amazon\.example must be a marketplace: .*www\.amazon\.com/)
})

test('valid products are imported once, wrong ones are explained without a request, and the exit code says so', async (t) => {
  const simulator = await openAmazon(t)
  const shelf = await openShelfsync(t, ENV)
  const { url } = simulator
  const set = ['--set', `apiUrl=${url}`, '--set', `tokenUrl=${url}/auth/o2/token`]
  assert.equal((await shelf.run('add', 'amazon', '--name', 'amazon-us', ...set)).code, 0)
  const wrong = await shelf.run('import', 'B08', 'https://www.amazon.de/dp/B08DQQ8CBP')
  assert.equal(wrong.code, 1)
  assert.match(
    wrong.stdout,
    /^B08 failed: "B08" is not an ASIN.*\n.*www\.amazon\.de.*www\.amazon\.com\n2 products: 2 failed\n$/,
  )
  assert.equal(simulator.stats.snapshot().requests[GET_ITEMS], undefined)

  const list = join(shelf.folder, 'asins.txt')
  await writeFile(
    list,
    `\ufeff# my products\r\nb08dqq8cbp # a board\r\n\r\nhttps://www.amazon.com/dp/B08DQQ8CBP?th=1\r\nB08\r\n`,
  )
  const mixed = await shelf.run('import', '--from', list, '--json')
  assert.equal(mixed.code, 1)
  const { run, source, marketplace, state, imports } = mixed.json()
  assert.deepEqual(
    [run, source, marketplace, state],
    [1, 'amazon-us', 'www.amazon.com', 'succeeded'],
  )
  assert.partialDeepStrictEqual(imports, [
    { asin: 'B08DQQ8CBP', state: 'created' },
    { externalId: 'B08', state: 'failed', error: { code: 'usage/invalid' } },
  ])
  assert.equal(simulator.stats.snapshot().requests[GET_ITEMS], 1)

  simulator.update(ESP32.asin ?? '', { priceMinor: 1_600 })
  const again = await shelf.run('import', 'B08DQQ8CBP', '--source', 'amazon-us')
  assert.deepEqual([again.code, again.stderr], [0, ''])
  assert.match(again.stdout, /^B08DQQ8CBP updated: imported title, .*; missing description, /)
  for (const [args, message] of [
    [[], /Name a product, or a file/],
    [['--from', join(shelf.folder, 'none.txt')], /none\.txt cannot be read/],
    [
      ['B08DQQ8CBP', '--source', 'amazon-us', '--marketplace', 'www.amazon.de'],
      /reads www\.amazon\.com, not www\.amazon\.de/,
    ],
  ] as const) {
    const refused = await shelf.run('import', ...args)
    assert.equal(refused.code, 64)
    assert.match(refused.stderr, message)
  }
})

test('while the circuit breaker is open, the report has its error, and the reason of each wrong product', async (t) => {
  const { url } = await openAmazon(t)
  const shelf = await openShelfsync(t, ENV)
  const set = ['--set', `apiUrl=${url}`, '--set', `tokenUrl=${url}/auth/o2/token`]
  assert.equal((await shelf.run('add', 'amazon', '--name', 'amazon-us', ...set)).code, 0)
  await openBreaker(shelf.db, { scope: 'amazon', key: `${new URL(url).host}/NA` })
  for (const wrong of [[], ['B08']]) {
    const refused = await shelf.run('import', 'B08DQQ8CBP', ...wrong, '--json')
    assert.deepEqual([refused.code, refused.stderr], [1, ''])
    const { run, state, code, imports } = refused.json()
    assert.deepEqual([run, state, code], [null, 'failed', 'source/circuit-open'])
    assert.partialDeepStrictEqual(
      imports,
      wrong.map((externalId) => ({ externalId, state: 'failed' })),
    )
  }
  const alone = await shelf.run('import', 'B08DQQ8CBP')
  assert.deepEqual([alone.code, alone.stdout], [1, ''])
  assert.match(alone.stderr, /has failed 5 times/)
})

// Keeping products fresh from the command line, as docs/amazon.md describes it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toAsin } from '../../simulators/amazon/product.ts'
import { DEFAULTS } from '../../simulators/amazon/switches.ts'
import { CREDENTIAL_VARIABLES, openAmazon } from '../support/amazon.ts'
import { openShelfsync } from './shelfsync.ts'

const ENV = { ...CREDENTIAL_VARIABLES, AMAZON_PARTNER_TAG: DEFAULTS.tags[0] }
const KEYS = Array.from({ length: 12 }, (_, at) => toAsin(at))

test('a source of Amazon refreshes each hour, sync takes what is due, and status says what stays fresh', async (t) => {
  const { url } = await openAmazon(t)
  const shelf = await openShelfsync(t, ENV)
  const set = ['--set', `apiUrl=${url}`, '--set', `tokenUrl=${url}/auth/o2/token`]
  assert.equal((await shelf.run('add', 'amazon', '--name', 'amazon-us', ...set)).code, 0)
  const { stdout: listed } = await shelf.run('sources')
  assert.match(
    listed,
    /refresh \d+ \* \* \* \* of at most 10,000 products that were not read for 20 h/,
  )
  const imported = await shelf.run('sync', 'amazon-us', '--keys', KEYS.join(','))
  assert.equal(imported.code, 0, imported.stderr)
  for (const name of [['amazon-us'], []]) {
    const nothing = await shelf.run('sync', ...name)
    assert.deepEqual([nothing.code, nothing.stderr], [0, ''])
    assert.match(nothing.stdout, /Nothing to refresh: no product of amazon-us is due/)
  }
  await shelf.db.query(
    `update catalog.product_reads set read_at = read_at - interval '25 hours', due_at = due_at - interval '25 hours'`,
  )
  const late = await shelf.run('status', 'amazon-us')
  assert.match(late.stdout, /\(late\)/)
  assert.match(
    late.stdout,
    /12 of 12 products are late, 12 are due; the quota keeps 51,840 fresh \(6,912 requests a day, 6,9\d\d left today\)/,
  )
  const refreshed = await shelf.run('sync', 'amazon-us', '--json')
  assert.deepEqual([refreshed.code, refreshed.json()['kind']], [0, 'refresh'])
  const fresh = await shelf.run('status', 'amazon-us', '--json')
  const { freshness, due } = fresh.json() as {
    freshness: Record<string, unknown>
    due: Record<string, unknown>
  }
  assert.partialDeepStrictEqual(freshness, { products: 12, due: 0, late: 0, capacity: 51_840 })
  assert.equal(due['late'], false)
  const full = await shelf.run('sync', 'amazon-us', '--full')
  assert.match(full.stderr, /cannot list its products/)
})

test('ages and hot products are options of the source, and wrong ones are explained', async (t) => {
  const { url } = await openAmazon(t)
  const shelf = await openShelfsync(t, ENV)
  const set = ['--set', `apiUrl=${url}`, '--set', `tokenUrl=${url}/auth/o2/token`]
  await shelf.run('add', 'amazon', '--name', 'amazon-us', ...set)
  await shelf.run('sync', 'amazon-us', '--keys', KEYS.join(','))
  const [hot = '', other = ''] = KEYS
  const change = (...args: string[]) => shelf.run('sources', 'set', 'amazon-us', ...args)
  const aged = await change(
    '--refresh-age',
    '18h',
    '--hot',
    `${hot},${other}`,
    '--schedule',
    '5 * * * *',
  )
  assert.equal(aged.code, 0, aged.stderr)
  assert.match(
    aged.stdout,
    /refresh 5 \* \* \* \* of at most 10,000 products that were not read for 18 h, or hot ones for 50 min/,
  )
  await change('--not-hot', other)
  const slower = await change('--set', 'requestsPerDay=5000')
  assert.deepEqual([slower.code, slower.stderr], [0, ''])
  assert.match(slower.stdout, /Each product is read again by its next refresh/)
  assert.doesNotMatch(slower.stdout, /next sync is full/)
  const { rows } = await shelf.db.query<{ minutes: number; hot: boolean }>(
    `select extract(epoch from due_at - read_at)::integer / 60 as minutes, hot
     from catalog.product_reads where external_id = any ($1) order by hot desc`,
    [[hot, other]],
  )
  assert.deepEqual(rows, [
    { minutes: 50, hot: true },
    { minutes: 18 * 60, hot: false },
  ])
  for (const [args, words] of [
    [['--hot', 'B0UNKNOWN1'], /does not refresh B0UNKNOWN1 by age: import a product first/],
    [['--refresh-age', '2d'], /It must be a time from 10m to 720h/],
    [['--full-on', 'every'], /cannot list its products, so no run of amazon-us is full/],
    [['--refresh', 'none'], /would have no runs: pause it/],
  ] as const) {
    const refused = await change(...args)
    assert.equal(refused.code, 64, args.join(' '))
    assert.match(refused.stderr, words)
  }
  const partly = await change('--hot', `B0UNKNOWN1,${other}`, '--not-hot', hot)
  assert.match(partly.stderr, /does not refresh B0UNKNOWN1 by age: .*\. Everything else was set/)
  const marked = await shelf.db.query('select external_id from catalog.product_reads where hot')
  assert.deepEqual(marked.rows, [{ external_id: other }])
})

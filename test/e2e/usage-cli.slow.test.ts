// Sources are changed at the command line, and usage errors have their exit code.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withMedipim, assertEnded } from './medipim-shelf.ts'

test('sources are changed, paused and resumed, and every usage error has exit code 64', async (t) => {
  const { run } = await withMedipim(t, 10)
  const set = await run(
    'sources',
    'set',
    'pharmacy',
    '--schedule',
    '5 4 * * *',
    '--zone',
    'Europe/Berlin',
    '--full-on',
    'none',
    '--policy',
    'removalShare=0.2',
    '--json',
  )
  assertEnded(set, 0)
  assert.deepEqual(set.json()['schedule'], {
    cron: '5 4 * * *',
    zone: 'Europe/Berlin',
    fullOn: 'none',
  })
  assert.match(
    (await run('sources', 'set', 'pharmacy', '--full-on', 'every')).stdout,
    /^pharmacy: 5 4 \* \* \* Europe\/Berlin, full on every day$/m,
  )
  assert.equal((set.json()['policy'] as Record<string, unknown>)['removalShare'], 0.2)
  assertEnded(await run('sources', 'pause', 'pharmacy'), 0)
  const paused = await run('sync', 'pharmacy', '--json')
  assertEnded(paused, 1)
  assert.deepEqual(
    [paused.json()['run'], paused.json()['state'], paused.json()['code']],
    [null, 'failed', 'source/paused'],
  )
  assert.match((await run('sync')).stdout, /^Nothing to sync: pharmacy is paused\.$/m)
  for (const list of ['runs', 'reviews', 'quarantine', 'artifacts'])
    assert.match((await run(list, '--source', 'nobody')).stderr, /Source nobody does not exist/)
  assert.match(
    (await run('sync', 'pharmcy')).stderr,
    /^error: Source pharmcy does not exist; did you mean pharmacy\?\n hint: /,
  )
  assert.match((await run('reviews', '--run', '77')).stderr, /Run 77 does not exist/)
  assertEnded(await run('sources', 'resume', 'pharmacy'), 0)
  for (const wrong of [
    ['bogus'],
    ['sync', '--since', 'soon'],
    ['sync', '--full', '--since', '2026-01-01'],
    ['sources', 'set', 'pharmacy', '--policy', 'removalShare=2'],
    ['sources', 'set', 'pharmacy', '--schedule', '99 * * * *'],
    ['sources', 'set', 'pharmacy', '--zone', 'Mars/Base'],
    ['runs', 'show', 'x'],
    ['runs', '--state', 'bogus'],
    ['add', 'no-address'],
    ['add', 'ftp://shop.example'],
    ['add', 'https://shop.example', '--market', 'au'],
    ['publish', '--revoke'],
    ['add', 'shopify'],
    ['add', 'medipim', '--set', 'market=zz'],
  ]) {
    assertEnded(await run(...wrong), 64)
  }
})

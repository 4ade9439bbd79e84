// `shelfsync sync` when a source fails or no source exists: the others continue, and the last line
// is always a report.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import { openShelfsync } from './shelfsync.ts'

test('a source that cannot be synced does not stop the next ones', async (t) => {
  const simulator = await startMedipim({ products: 10, rateLimit: null })
  t.after(simulator.close)
  const { run, db } = await openShelfsync(t, {
    MEDIPIM_API_URL: simulator.url,
    MEDIPIM_API_KEY: '42:secret',
  })
  for (const name of ['a-stranger', 'b-garbled', 'c-good'])
    await run('add', 'medipim', '--name', name, '--no-sync')
  await db.query(`update catalog.sources set connector = 'no-such' where name = 'a-stranger'`)
  await db.query(`update catalog.sources set settings = '{"apiUrl": 7}' where name = 'b-garbled'`)
  const { code, stdout } = await run('sync', '--json')
  assert.equal(code, 1)
  const reports = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.deepEqual(
    reports.map(({ source, state, code: error }) => [source, state, error]),
    [
      ['a-stranger', 'failed', 'usage/invalid'],
      ['b-garbled', 'failed', 'settings/invalid'],
      ['c-good', 'succeeded', null],
    ],
  )
  assert.match(
    String(reports[0]?.['reason']),
    /The source a-stranger uses the connector no-such, which this version of Shelfsync does not have/,
  )
  assert.match(
    String(reports[1]?.['reason']),
    /The settings of b-garbled in catalog\.sources are not valid: [^]*apiUrl/,
  )
})

test('the last line of sync --json is a report after any failure', async (t) => {
  const { run } = await openShelfsync(t, { MEDIPIM_API_KEY: '42:secret' })
  const idle = await run('sync', '--json')
  assert.equal(idle.code, 0)
  assert.deepEqual(
    [idle.json()['run'], idle.json()['source'], idle.json()['state']],
    [null, null, 'succeeded'],
  )
  assert.match(String(idle.json()['reason']), /No sources yet/)
  const away = await openShelfsync(t, { DATABASE_URL: 'postgres://127.0.0.1:1/nowhere' })
  const wrong = await openShelfsync(t, { LOG_LEVEL: 'shout' })
  for (const [shelf, error] of [
    [{ run }, 'source/unknown'],
    [away, 'db/unreachable'],
    [wrong, 'settings/invalid'],
  ] as const) {
    const failed = await shelf.run('sync', 'nobody', '--json')
    assert.equal(failed.code, 1)
    const { run: id, source, state, code, reason } = failed.json()
    assert.deepEqual(
      [id, source, state, code, typeof reason],
      [null, 'nobody', 'failed', error, 'string'],
    )
  }
})

test('sync --keys names one source, whose connector can fetch by key', async (t) => {
  const { run } = await openShelfsync(t, { MEDIPIM_API_KEY: '42:secret' })
  await run('add', 'medipim', '--name', 'pharmacy', '--no-sync')
  const unnamed = await run('sync', '--keys', 'M1')
  assert.match(unnamed.stderr, /--keys needs the name of a source/)
  const unable = await run('sync', 'pharmacy', '--keys', 'M1,M2', '--json')
  assert.deepEqual([unable.code, unable.json()['code']], [1, 'usage/invalid'])
  assert.match(String(unable.json()['reason']), /medipim cannot fetch single products/)
})

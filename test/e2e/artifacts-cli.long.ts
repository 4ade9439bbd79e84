// Artifacts are printed, verified and purged at the command line.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { glob, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import { withMedipim, assertEnded } from './medipim-shelf.ts'
import { openShelfsync } from './shelfsync.ts'

test('artifacts are printed unchanged and verified, a damaged byte is reported, and purged artifacts are gone', async (t) => {
  const { run, start, folder } = await withMedipim(t, 300)
  const id = String((await run('sync', '--json')).json()['run'])
  const printed = await run('artifacts', 'cat', id)
  assertEnded(printed, 0)
  const lines = printed.stdout.trimEnd().split('\n')
  assert.deepEqual(
    [lines.length, JSON.parse(lines[299] ?? '').meta],
    [300, { total: 300, index: 299 }],
  )
  const early = start('artifacts', 'cat', id)
  await once(early.child.stdout ?? early.child, 'data')
  early.child.stdout?.destroy()
  assertEnded(await early.result, 0)

  assertEnded(await run('artifacts', 'verify', id), 0)
  const [part = ''] = await Array.fromAsync(glob('artifacts/**/part-*', { cwd: folder }))
  const bytes = await readFile(join(folder, part))
  await writeFile(
    join(folder, part),
    Buffer.concat([bytes.subarray(0, 100), Buffer.from('x'), bytes.subarray(101)]),
  )
  const damaged = await run('artifacts', 'verify', '--json')
  assertEnded(damaged, 1)
  assert.equal(damaged.json()['ok'], false)
  assertEnded(await run('artifacts', 'cat', id), 1)

  const kept = await run('purge', '--keep', '0')
  assertEnded(kept, 0)
  assert.match(
    kept.stdout,
    new RegExp(`^pharmacy: nothing to purge; the catalogue can be rebuilt from run ${id}\n$`),
  )
  const listFiles = (): Promise<string[]> =>
    Array.fromAsync(glob('artifacts/**/*.*', { cwd: folder }))
  const stored = await listFiles()
  assertEnded(await run('purge', '--everything'), 64)
  assert.deepEqual(
    (await run('purge', 'pharmacy', '--everything', '--dry-run', '--json')).json()['runs'],
    [Number(id)],
  )
  assert.deepEqual(await listFiles(), stored)
  assertEnded(await run('purge', 'pharmacy', '--everything'), 0)
  assert.deepEqual(await listFiles(), [])
  const replay = await run('replay', 'pharmacy', '--run', id)
  assertEnded(replay, 1)
  assert.match(replay.stderr, /The artifact of run \d+ of \S+ has been purged/)
})

test('a successful run purges artifacts beyond ARTIFACTS_KEEP', async (t) => {
  const { url, close } = await startMedipim({ products: 20, rateLimit: null })
  t.after(close)
  const { run, folder } = await openShelfsync(t, {
    MEDIPIM_API_URL: url,
    MEDIPIM_API_KEY: '42:secret',
    ARTIFACTS_KEEP: '2',
    ARTIFACTS_LATEST: 'true',
  })
  await run('add', 'medipim')
  await mkdir(join(folder, 'artifacts/medipim-au/latest.ndjson/in-the-way'), { recursive: true })
  for (let i = 0; i < 3; i++) assertEnded(await run('sync', '--full'), 0)
  const { items: listed } = JSON.parse((await run('artifacts', '--json')).stdout) as {
    items: {
      state: string
      latest: boolean
    }[]
  }
  assert.deepEqual(
    listed.map(({ state, latest }) => [state, latest]),
    [
      ['closed', true],
      ['closed', false],
      ['purged', false],
    ],
  )
  assert.match(
    (await run('status')).stdout,
    /^medipim-au: latest\.ndjson could not be written \(it does not exist yet\): artifact\/unwritable: /m,
  )
})

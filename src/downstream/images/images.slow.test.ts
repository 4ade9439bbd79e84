// Hostile bodies, many workers, and the memory of the real process.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { startImages } from '../../../simulators/images/server.ts'
import { MAIN } from '../../../test/e2e/shelfsync.ts'
import { openTestDatabase } from '../../../test/support/database.ts'
import { openBucket, openImages } from '../../../test/support/images.ts'
import { cleanEnv, startProcess } from '../../../test/support/processes.ts'
import { waitUntil } from '../../../test/support/wait-until.ts'

const database = await openTestDatabase()
const db = database.pool

test('an endless body, a bomb and a redirect into a private network end the attempt', async (t) => {
  const { env } = await openBucket(t)
  const { host, ...shop } = await openImages(t, db, env)
  host.faults.set({ kind: 'endless', path: '/endless.jpg', times: null })
  host.faults.set({ kind: 'bomb', bytes: 60 * 1024 * 1024, path: '/bomb.png', times: null })
  host.faults.set({
    kind: 'redirect',
    to: 'http://169.254.169.254/latest',
    path: '/meta.jpg',
    times: null,
  })
  host.faults.set({ kind: 'redirect', to: 'http://10.1.2.3/', path: '/private.jpg', times: null })
  await shop.list('a', '/endless.jpg', '/bomb.png', '/meta.jpg', '/private.jpg')
  await shop.work()
  const [bomb, endless, ...redirects] = await shop.problems()
  assert.equal(endless, 'failed image/too-large after 1')
  assert.match(bomb ?? '', /^failed (image|source)\/too-large after 1$/)
  assert.deepEqual(redirects, Array(2).fill('failed source/address-refused after 1'))
})

test('many workers request each address once, a host never gets two requests at a time, and a pause writes nothing', async (t) => {
  const { env, names } = await openBucket(t)
  const { host, ...shop } = await openImages(t, db, env)
  const addresses = Array.from({ length: 60 }, (_, n) => `/${n}.jpg?picture=${n % 40}`)
  await shop.list('a', ...addresses)
  await shop.list('b', ...addresses)
  const steps = [shop.open(), shop.open()]
  await Promise.all([...steps, ...steps, ...steps].map((step) => shop.work(step)))
  const { requests } = host.stats.snapshot()
  assert.deepEqual(
    [Object.keys(requests).length, new Set(Object.values(requests))],
    [60, new Set([1])],
  )
  assert.equal(host.busiest, 1)
  assert.deepEqual([names().length, await shop.count('blobs')], [40, 40])
  assert.ok((await shop.rows()).every(({ state }) => state === 'stored'))
  const versions = async () =>
    (
      await db.query(`select array_agg(xmin::text order by ctid) from catalog.images
        union all select array_agg(xmin::text order by ctid) from catalog.image_addresses
        union all select array_agg(xmin::text order by ctid) from catalog.image_channels
        union all select array_agg(xmin::text order by ctid) from catalog.blobs`)
    ).rows
  const before = await versions()
  for (const step of steps) await step.work(new AbortController().signal)
  assert.deepEqual(await versions(), before)
})

const MIB = 1024 * 1024
/** The machine in deploy/fly/images.toml has 512 MB, of which about 40 belong to its kernel. */
const RSS_MAX = 400 * MIB

test('a process stays within its memory while every host sends the largest images', async (t) => {
  const { env } = await openBucket(t)
  const { host: _, ...shop } = await openImages(t, db, env)
  const hosts = await Promise.all(Array.from({ length: 6 }, () => startImages()))
  for (const host of hosts) {
    t.after(host.close)
    host.faults.set({ kind: 'pad', bytes: 19.9 * MIB, path: '*', times: null })
  }
  await shop.list(
    'a',
    ...hosts.flatMap(({ url }) => [1, 2, 3, 4, 5, 6].map((n) => `${url}/${n}.jpg`)),
  )
  const started = await startProcess(t, process.execPath, [MAIN, 'serve', 'images'], {
    env: cleanEnv({
      ...env,
      DATABASE_URL: database.url,
      ALLOW_PRIVATE_HOSTS: '127.0.0.1',
      REQUEST_RATES: 'images=999999/s',
      METRICS_PORT: '0',
    }),
  })
  await waitUntil(async () => (await shop.rows()).every(({ state }) => state === 'stored'))
  const status = readFileSync(`/proc/${started.pid}/status`, 'utf8')
  const peak = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
  t.diagnostic(`peak ${Math.round(peak / MIB)} MiB`)
  assert.ok(peak < RSS_MAX, `${Math.round(peak / MIB)} MiB`)
})

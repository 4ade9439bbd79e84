// The pages of runs and jobs in a real browser, over a catalogue with runs in several states.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { DiskStore } from '../../src/artifacts/stores/disk.ts'
import { openDashboard, READ_KEY } from '../support/dashboard.ts'
import { openTestDatabase } from '../support/database.ts'
import { stockShelves } from '../support/shelves.ts'

const HOSTILE = '<img src=x onerror=alert(1)>'
/** The last thing that was opened ends first: the dashboard before its database. */
const ends = new AsyncDisposableStack()
after(() => ends.disposeAsync())
const lifetime = { after: (end: () => Promise<void>) => ends.defer(end) }
const database = await openTestDatabase(lifetime)
const storeRoot = await mkdtemp(join(tmpdir(), 'dashboard-runs-'))
ends.defer(() => rm(storeRoot, { recursive: true }))
const shelves = await stockShelves(lifetime, { db: database.pool, storeRoot, title: HOSTILE })
const dashboard = await openDashboard(lifetime, database, { store: new DiskStore(storeRoot) })
const ada = await dashboard.signIn()

test('a run explains itself, and its archived lines are a download', async () => {
  const page = await ada.read(`/runs/${shelves.failedRun}`)
  assert.match(page, /The run failed/)
  assert.doesNotMatch(page, /<img src=x/)
  const whole = await ada.get('/runs/1/artifact')
  assert.equal(whole.status, 200)
  assert.match(whole.headers.get('Content-Disposition') ?? '', /^attachment; /)
  assert.equal(whole.headers.get('Content-Type'), 'application/octet-stream')
  assert.ok((await whole.text()).endsWith('\n'))
  assert.match(await ada.read('/runs/1'), /Balanced\./)
  assert.match(await ada.read('/runs/1'), /class="work-apply"/)
})

test('the page of lines that another machine has says where they are', async () => {
  const elsewhere = await openDashboard(lifetime, database)
  const visitor = await elsewhere.signIn()
  for (const [path, command] of [
    ['/runs/1/artifact', 'shelfsync artifacts cat 1<'],
    ['/runs/1/parts/1', 'shelfsync artifacts cat 1 --part 1<'],
    ['/runs/1/parts/99', 'shelfsync sync closing --full<'],
  ] as const) {
    const response = await visitor.get(path)
    assert.equal(response.status, 404)
    assert.ok((await response.text()).includes(command), path)
  }
})

test('a replay from the page of a run is a new run, and its page names the person', async () => {
  const shown = await ada.act('/runs/1/replay')
  const [, replay = ''] = /Run (\d+) replays the artifact of run 1\./.exec(shown) ?? []
  assert.match(shown, /started(?:<\/span>\s*)+<span class="quiet">by Ada Lovelace/)
  const cancelled = await ada.act(`/runs/${replay}/cancel`, {
    reason: 'by mistake',
    back: `/runs/${replay}`,
  })
  assert.match(cancelled, /Ada Lovelace cancelled the run\./)
  assert.match(cancelled, /by mistake/)
})

test('the page of jobs has every part', async () => {
  const page = await ada.read('/jobs')
  for (const part of ['Queues', 'Dead letters', 'Breakers and limits', 'Services', 'Storage'])
    assert.match(page, new RegExp(`<h2>${part}</h2>`))
})

test('a held run is decided once: the second person sees who was first', async () => {
  const path = `/runs/${shelves.heldRun}`
  const shown = await ada.read(path)
  const [, version = ''] = /name="version" value="([^"]+)"/.exec(shown) ?? []
  assert.match(shown, /Products missing/)
  const grace = await dashboard.signIn({ name: 'Grace Hopper' })
  const reader = await dashboard.signIn({ name: 'Reader', key: READ_KEY })
  assert.doesNotMatch(await reader.read(path), /runs\/\d+\/approve/)
  assert.equal((await reader.post(`${path}/approve`, { version })).status, 403)
  const decision = { version, reason: 'the supplier confirmed it', back: path }
  const approved = await ada.act(`${path}/approve`, decision)
  assert.match(approved, /is approved/)
  assert.match(approved, /by Ada Lovelace<\/span>\s*<p class="quiet">the supplier confirmed it/)
  assert.match(await grace.act(`${path}/reject`, { back: path }), /Ada Lovelace approved it/)
})

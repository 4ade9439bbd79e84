// The page of a source over HTTP, with a login that has only the rights of the web server.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { listActions } from '../../../db/read/actions.ts'
import { loadAllPages } from '../../../db/read/page.ts'
import { listSourceEvents } from '../../../db/read/source-events.ts'
import { loadSource } from '../../../db/sources.ts'
import { changeSource } from '../../../db/write/source-changes.ts'
import { openDashboard, READ_KEY } from '../../../../test/support/dashboard.ts'
import { isSyncError } from '../../../../test/support/error-matchers.ts'
import { openTestDatabase } from '../../../../test/support/database.ts'
import { stockShelves } from '../../../../test/support/shelves.ts'

const ends = new AsyncDisposableStack()
after(() => ends.disposeAsync())
const lifetime = { after: (end: () => Promise<void>) => ends.defer(end) }

const database = await openTestDatabase(lifetime)
const db = database.pool
const storeRoot = await mkdtemp(join(tmpdir(), 'source-page-'))
ends.defer(() => rm(storeRoot, { recursive: true }))
const shelves = await stockShelves(lifetime, { db, storeRoot })
const dashboard = await openDashboard(lifetime, database)
const person = await dashboard.signIn({ name: 'Kim' })

async function listNewest(source: string, count: number) {
  const { items } = await listActions(db, { source, limit: count })
  return items.map(({ actor, action, detail }) => ({ actor, action, detail }))
}

test('a source is paused, resumed and run, and each is in the log with its person', async () => {
  const page = await person.read('/sources/outlet')
  assert.match(page, /is held/)
  assert.match(page, /action="\/sources\/outlet\/run"/)

  const back = '/sources/roastery'
  const paused = await person.act(`${back}/pause`, { back })
  assert.match(paused, /roastery is paused\./)
  assert.match(paused, /action="\/sources\/roastery\/resume"/)
  assert.equal((await loadSource(db, 'roastery')).state, 'paused')
  assert.match(await person.act(`${back}/resume`, { back }), /roastery is active\./)
  assert.equal((await loadSource(db, 'roastery')).state, 'active')
  const requested = await person.act(`${back}/run`, { mode: 'full' })
  assert.match(requested, /Run \d+ is requested\./)
  assert.deepEqual(
    (await listNewest('roastery', 10)).map(({ actor, action }) => [actor, action]),
    ['source.sync', 'source.resume', 'source.pause'].map((action) => ['Kim', action]),
  )

  assert.equal((await person.get('/sources/nowhere')).status, 404)
  const reader = await dashboard.signIn({ key: READ_KEY })
  for (const view of ['', '?view=settings'])
    assert.doesNotMatch(await reader.read(back + view), /action="\/sources\/roastery/)
  for (const action of ['pause', 'limits'])
    assert.equal((await reader.post(`${back}/${action}`)).status, 403)
})

test('the schedule changes as by the command, and what is not valid changes nothing', async () => {
  const path = '/sources/pharmacy'
  const back = `${path}?view=settings`
  const { schedule } = await loadSource(db, 'pharmacy')
  const form = {
    ...schedule,
    cron: '5 4 * * 1',
    zone: 'Europe/Berlin',
    fullOn: 'every',
    refresh: '',
    back,
  }
  const changed = await person.act(`${path}/schedule`, form)
  assert.match(changed, /every Monday at 04:05, Europe\/Berlin/)
  const saved = await loadSource(db, 'pharmacy')
  assert.deepEqual(saved.schedule, { cron: '5 4 * * 1', zone: 'Europe/Berlin', fullOn: 'every' })
  const [action] = await listNewest('pharmacy', 1)
  assert.equal(action?.actor, 'Kim')
  assert.match(JSON.stringify(action?.detail['schedule']), /5 4 \* \* 1 Europe\/Berlin/)

  for (const [wrong, message] of [
    [{ cron: 'often' }, /not a valid cron expression/],
    [{ zone: 'Berlin' }, /is not a valid schedule/],
    [{ fullOn: 'sometimes' }, /The form is not valid/],
  ] as const)
    assert.match(await person.act(`${path}/schedule`, { ...form, ...wrong }), message)
  assert.deepEqual((await loadSource(db, 'pharmacy')).schedule, saved.schedule)
  assert.equal((await listNewest('pharmacy', 50)).length, 1)
})

test('limits and options change, but no limit of a licence does', async () => {
  const path = '/sources/pharmacy'
  const back = `${path}?view=settings`
  const limits = { removalShare: '20', priceFactor: '5', keepPriceHistory: 'false', back }
  assert.match(await person.act(`${path}/limits`, limits), /removalShare=0\.2/)
  const { policy } = await loadSource(db, 'pharmacy')
  assert.deepEqual(
    [policy.removalShare, policy.priceFactor, policy.keepPriceHistory],
    [0.2, 5, true],
  )
  assert.match(await person.act(`${path}/limits`, limits), /Nothing has changed/)
  assert.match(
    await person.act(`${path}/limits`, { ...limits, removalShare: '200' }),
    /The limits are not valid/,
  )
  await assert.rejects(
    changeSource(db, {
      source: 'pharmacy',
      by: 'Kim',
      policy: { keepPriceHistory: false },
      detail: {},
    }),
    isSyncError('usage/invalid', /is changed by a command only/),
  )
  const options = { pack: 'coffee', unitPrice: 'DE', back }
  assert.match(await person.act(`${path}/options`, options), /pack=coffee · unitPrice=DE/)
  assert.deepEqual((await loadSource(db, 'pharmacy')).options, { pack: 'coffee', unitPrice: 'DE' })
  assert.match(
    await person.act(`${path}/options`, { ...options, unitPrice: 'much' }),
    /The options are not valid/,
  )
})

test('filters and tags change as by the command, and a value that is not valid changes nothing', async () => {
  const path = '/sources/outlet'
  const back = `${path}?view=settings`
  const { pack = 'none', unitPrice = 'none' } = (await loadSource(db, 'outlet')).options as Record<
    string,
    string
  >
  const filters = { include: {}, exclude: { type: ['Gift*'] } }
  const form = { pack, unitPrice, back, tags: '{"sale": null}', filters: JSON.stringify(filters) }
  const changed = await person.act(`${path}/options`, form)
  assert.match(changed, /tags=\{&quot;sale&quot;:null\}/)
  assert.match(changed, /<textarea\s+name="filters"[^>]*>[^<]*Gift\*/)
  const { options } = await loadSource(db, 'outlet')
  assert.deepEqual(options, { ...Object(options), filters, tags: { sale: null } })
  assert.match(await person.act(`${path}/options`, form), /Nothing has changed/)
  for (const wrong of ['Gift*', '{"exclude":{"typ":["Gift*"]}}', '[]'])
    assert.match(
      await person.act(`${path}/options`, { ...form, filters: wrong }),
      /The options are not valid: filters/,
    )
  assert.deepEqual((await loadSource(db, 'outlet')).options, options)
  await person.act(`${path}/options`, { ...form, filters: '', tags: '' })
  assert.deepEqual((await loadSource(db, 'outlet')).options, {
    ...Object(options),
    filters: { include: {}, exclude: {} },
    tags: {},
  })
})

test('refresh ages and hot products change as by the command', async () => {
  const path = '/sources/marketplace'
  const back = `${path}?view=settings`
  const { id, schedule } = await loadSource(db, 'marketplace')
  const form = {
    cron: schedule.cron,
    zone: schedule.zone,
    fullOn: schedule.fullOn,
    refresh: schedule.refresh?.cron ?? '',
    refreshProducts: 'due',
    refreshAtMost: schedule.refresh?.atMost ?? 0,
    refreshAge: '20h',
    hotAge: '50m',
    back,
  }
  assert.match(await person.act(`${path}/schedule`, form), /Nothing has changed/)
  const changed = await person.act(`${path}/schedule`, { ...form, refreshAge: '18h' })
  assert.match(changed, /not read for 18 h, or hot ones for 50 min/)
  assert.match(changed, /name="refreshAge"\s+value="18h"/)
  assert.deepEqual((await loadSource(db, 'marketplace')).schedule, {
    ...schedule,
    refresh: { ...schedule.refresh, ageMinutes: 18 * 60 },
  })
  assert.match(
    await person.act(`${path}/schedule`, { ...form, hotAge: '5m' }),
    /It must be a time from 10m to 720h/,
  )
  assert.match(await person.act(`${path}/schedule`, { ...form, refreshAge: '' }), /read for 20 h/)

  const readHot = async () =>
    (
      await db.query<{ id: string }>(
        'select external_id as id from catalog.product_reads where source_id = $1 and hot order by 1',
        [id],
      )
    ).rows.map((row) => row.id)
  const { rows } = await db.query<{ id: string }>(
    'select external_id as id from catalog.product_reads where source_id = $1 order by 1 limit 2',
    [id],
  )
  const [first = '', second = ''] = rows.map((row) => row.id)
  const marked = await person.act(`${path}/hot`, { hot: `${first}, ${second}\n`, back })
  assert.match(marked, /2 products of marketplace changed/)
  assert.deepEqual(await readHot(), [first, second])
  const mixed = await person.act(`${path}/hot`, { notHot: first, hot: 'UNKNOWN', back })
  assert.match(mixed, /marketplace does not refresh UNKNOWN by age/)
  assert.deepEqual(await readHot(), [second])
  assert.deepEqual(
    (await listNewest('marketplace', 2)).map(({ actor, action, detail }) => [
      actor,
      action,
      detail,
    ]),
    [
      ['Kim', 'source.set', { hot: 0, notHot: 1 }],
      ['Kim', 'source.set', { hot: 2, notHot: 0 }],
    ],
  )
})

test('the timeline has every event once over its pages, and its filters', async () => {
  const filter = { source: 'pharmacy', hosts: [] }
  const { items: all } = await listSourceEvents(db, { ...filter, limit: 1000 })
  const paged = await loadAllPages((page) => listSourceEvents(db, { ...filter, ...page, limit: 3 }))
  assert.deepEqual(paged, all)
  assert.ok(all.some(({ event }) => event === 'succeeded'))
  const { items: byKim } = await listSourceEvents(db, { ...filter, actor: 'kIM', limit: 50 })
  assert.deepEqual(new Set(byKim.map(({ event }) => event)), new Set(['source.set']))
  const outlet = await person.read('/sources/outlet?view=timeline&topic=problem')
  assert.match(outlet, new RegExp(`held(?:</span>\\s*)+<a href="/runs/${shelves.heldRun}"`))
  assert.doesNotMatch(outlet, /succeeded/)
  const closing = await person.read('/sources/closing?view=timeline')
  assert.match(closing, /source\/unavailable|source\/closed|source\/blocked|source\/gone/)
})

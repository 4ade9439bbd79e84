// The page of the change feed in a real browser: filters in the address, paging, and a change that
// appears by itself.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { findAccessFaults } from '../support/axe.ts'
import {
  DESKTOP,
  openBrowser,
  PHONE,
  type TestBrowser,
  WITHOUT_BROWSER,
} from '../support/browser.ts'
import { openDashboard, READ_KEY, type TestDashboard } from '../support/dashboard.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'
import { type Shelves, stockShelves } from '../support/shelves.ts'

const ends = new AsyncDisposableStack()
const lifetime = { after: (end: () => Promise<void>) => ends.defer(end) }
let database: TestDatabase
let dashboard: TestDashboard
let shelves: Shelves
let cookie: string
let browser: TestBrowser

before(async () => {
  if (WITHOUT_BROWSER !== false) return
  database = await openTestDatabase(lifetime)
  const storeRoot = await mkdtemp(join(tmpdir(), 'feed-page-'))
  ends.defer(() => rm(storeRoot, { recursive: true }))
  shelves = await stockShelves(lifetime, { db: database.pool, storeRoot })
  dashboard = await openDashboard(lifetime, database)
  ;({ cookie } = await dashboard.signIn({ key: READ_KEY }))
  browser = await openBrowser(lifetime)
})
after(() => ends.disposeAsync())

const skip = { skip: WITHOUT_BROWSER }

test(
  'filters are in the address, pages follow each other, and nothing is shown twice',
  skip,
  async () => {
    const { page, faults } = await browser.open(dashboard.url, { cookie, size: DESKTOP })
    await page.goto('/feed')
    const readPositions = (): Promise<number[]> =>
      page
        .locator('#changes tbody tr')
        .evaluateAll((rows) => rows.map(({ id }) => Number(id.replace('change-', ''))))
    const first = await readPositions()
    assert.equal(first.length, 50)
    await page.getByRole('link', { name: 'Next page' }).click()
    await page.waitForURL(/before=/)
    const second = await readPositions()
    assert.deepEqual(
      [...first, ...second].toSorted((a, b) => b - a),
      [...first, ...second],
    )
    assert.equal(new Set([...first, ...second]).size, first.length + second.length)

    await page.goto('/feed')
    const { name } = shelves.pharmacy
    await page.getByLabel('Source').selectOption(name)
    await page.locator('select[name=kind]').selectOption('repriced')
    await page.waitForURL(new RegExp(`source=${name}&kind=repriced`))
    const kinds = await page.locator('#changes tbody tr td:nth-child(2)').allTextContents()
    assert.deepEqual(new Set(kinds.map((kind) => kind.trim())), new Set(['repriced']))
    const [command = '', request = ''] = await page.locator('#follow pre').allTextContents()
    assert.match(command, new RegExp(`^shelfsync changes ${name} --follow --kind repriced --from`))
    const query = new RegExp(`/api/v1/changes\\?source=${name}&kind=repriced&after=\\d+'$`)
    assert.match(request, query)
    await page.getByLabel('Product').fill('no such product')
    await page.getByText('No change matches the filters').waitFor()
    assert.deepEqual(faults, [])
  },
)

for (const theme of ['light', 'dark'] as const)
  test(
    `a change appears by itself on a phone, ${theme}, and the page has no fault`,
    skip,
    async () => {
      const { page, faults } = await browser.open(dashboard.url, { cookie, size: PHONE, theme })
      await page.goto('/feed')
      await page.locator('#changes tbody tr').first().waitFor()
      const { rows } = await database.pool.query<{ position: string }>(
        `select catalog.publish_decision(jsonb_populate_record(null::catalog.reviews, jsonb_build_object(
         'id', nextval('catalog.deliveries_id_seq'), 'source_id', source_id, 'run_id', run_id,
         'product_external_id', product_external_id)), 'updated', '{"title": ["Before", "After the fact"]}'),
         (select last_position + 1 from catalog.feed) as position
       from catalog.changes where position is not null and product_external_id <> '' order by position desc limit 1`,
      )
      await page.locator(`#change-${rows[0]?.position}`).waitFor()
      assert.match(
        (await page.locator('#changes tbody tr').first().textContent()) ?? '',
        /title[^]*Before[^]*After the fact/,
      )
      assert.deepEqual(await findAccessFaults(page), [])
      assert.deepEqual(faults, [])
    },
  )

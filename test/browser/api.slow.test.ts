// The page of the read API in a real browser: a person tries routes with the session alone.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { CATALOGUE_ROUTES } from '../../src/http/catalogue/routes.ts'
import { findAccessFaults } from '../support/axe.ts'
import { openBrowser, PHONE, type TestBrowser, WITHOUT_BROWSER } from '../support/browser.ts'
import { KEY, openDashboard, READ_KEY, type TestDashboard } from '../support/dashboard.ts'
import { openTestDatabase } from '../support/database.ts'
import { stockShelves, type Shelves } from '../support/shelves.ts'

const ends = new AsyncDisposableStack()
const lifetime = { after: (end: () => Promise<void>) => ends.defer(end) }
let dashboard: TestDashboard
let shelves: Shelves
let cookie: string
let browser: TestBrowser

before(async () => {
  if (WITHOUT_BROWSER !== false) return
  const database = await openTestDatabase(lifetime)
  const storeRoot = await mkdtemp(join(tmpdir(), 'api-page-'))
  ends.defer(() => rm(storeRoot, { recursive: true }))
  shelves = await stockShelves(lifetime, { db: database.pool, storeRoot })
  dashboard = await openDashboard(lifetime, database)
  ;({ cookie } = await dashboard.signIn({ key: READ_KEY }))
  browser = await openBrowser(lifetime)
})
after(() => ends.disposeAsync())

const skip = { skip: WITHOUT_BROWSER }

test('a person tries a list, follows its cursor and sees an error, by keyboard', skip, async () => {
  const { page, faults, context } = await browser.open(dashboard.url, { cookie, size: PHONE })
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.goto('/api')
  assert.equal(await page.locator('details.operation').count(), routeCount())
  const summary = page.locator('#runs > summary')
  await summary.focus()
  await page.keyboard.press('Enter')
  const route = page.locator('#runs')
  await route.getByRole('textbox', { name: 'limit' }).fill('2')
  await page.keyboard.press('Enter')
  const status = route.locator('[data-status]')
  const body = route.getByRole('region', { name: 'Response of GET /api/v1/runs' })
  await body.waitFor()
  assert.match((await status.textContent()) ?? '', /^200 OK · \d+ ms · [\d,]+ characters$/)
  const readIds = async (): Promise<number[]> => {
    const { items } = JSON.parse((await body.textContent()) ?? '') as { items: { id: number }[] }
    return items.map(({ id }) => id)
  }
  const first = await readIds()
  assert.equal(first.length, 2)
  assert.match((await route.locator('[data-result] dl').textContent()) ?? '', /ETagW\//)
  assert.deepEqual(await findAccessFaults(page), [])

  const shown = await body.textContent()
  await route.getByRole('button', { name: 'Next page' }).press('Enter')
  await page.waitForFunction(
    (earlier) => document.querySelector('#runs [data-result] pre')?.textContent !== earlier,
    shown,
  )
  const second = await readIds()
  assert.ok(second.length > 0 && second.every((id) => id < Math.min(...first)), String(second))

  await route.getByRole('button', { name: 'Send with If-None-Match' }).press('Enter')
  await status.getByText('304 Not Modified').waitFor()

  await route.getByRole('textbox', { name: 'after' }).fill('')
  await route.getByRole('textbox', { name: 'limit' }).fill('many')
  await page.keyboard.press('Enter')
  await status.getByText('400 Bad Request').waitFor()
  assert.match((await body.textContent()) ?? '', /"request\/invalid"[^]*limit: expected a number/)

  await route.getByRole('button', { name: 'Copy' }).press('Enter')
  const copied = await page.evaluate(() => navigator.clipboard.readText())
  assert.equal(
    copied,
    `curl --fail-with-body --compressed -H "X-ADMIN-KEY: $READ_KEY" '${dashboard.url}/api/v1/runs?limit=many'`,
  )
  const html = await page.content()
  for (const key of [KEY, READ_KEY]) assert.ok(!html.includes(key))
  assert.deepEqual(faults, [])
})

test(
  'a link opens its route, a path has its parameter, and a long export is cut',
  skip,
  async () => {
    const { page, faults } = await browser.open(dashboard.url, { cookie, theme: 'dark' })
    await page.goto('/api#sources-name')
    const route = page.locator('#sources-name')
    await route.getByRole('textbox', { name: 'name' }).fill(shelves.pharmacy.name)
    await route.getByRole('button', { name: 'Send', exact: true }).click()
    const body = route.getByRole('region', { name: 'Response of GET' })
    await body.getByText(`"name": "${shelves.pharmacy.name}"`).waitFor()
    await page.locator('#export-products-ndjson > summary').click()
    const exported = page.locator('#export-products-ndjson')
    await exported.getByRole('textbox', { name: 'source' }).fill(shelves.pharmacy.name)
    const link = exported.getByRole('link', { name: 'Download' })
    assert.equal(
      await link.getAttribute('href'),
      `/api/v1/export/products.ndjson?source=${shelves.pharmacy.name}`,
    )
    await exported.getByRole('button', { name: 'Send' }).click()
    await exported.locator('[data-status]').getByText('200 OK').waitFor()
    assert.deepEqual(await findAccessFaults(page), [])
    assert.deepEqual(faults, [])
  },
)

test('without a script, a form opens the JSON of its route', skip, async () => {
  const { page } = await browser.open(dashboard.url, { cookie, javaScript: false })
  await page.goto('/api')
  const route = page.locator('#runs-id')
  await route.locator('> summary').click()
  await route.getByRole('textbox', { name: 'id' }).fill(String(shelves.failedRun))
  await route.getByRole('button', { name: 'Send' }).click()
  await page.waitForURL(`/api/v1/runs/${shelves.failedRun}`)
  assert.match((await page.locator('body').textContent()) ?? '', /"state":"failed"/)
  await page.goto('/api')
  await page.locator('#products > summary').click()
  await page.locator('#products').getByRole('button', { name: 'Send' }).click()
  await page.waitForURL('/api/v1/products')
})

function routeCount(): number {
  return Object.keys(CATALOGUE_ROUTES).length
}

// Every page of pages.ts in a real browser, over 100,000 products and over an empty database, in the light theme on a
// desktop and in the dark one on a phone.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { findAccessFaults } from '../support/axe.ts'
import { DESKTOP, openBrowser, PHONE, type Tab, WITHOUT_BROWSER } from '../support/browser.ts'
import { openDashboard, type TestDashboard } from '../support/dashboard.ts'
import { openTestDatabase } from '../support/database.ts'
import { isDownload, listPages } from '../support/page-requests.ts'
import { stockShelves } from '../support/shelves.ts'

const LOOKS = [
  { theme: 'light', size: DESKTOP },
  { theme: 'dark', size: PHONE },
] as const

const ends = new AsyncDisposableStack()
after(() => ends.disposeAsync())
const lifetime = { after: (end: () => Promise<void>) => ends.defer(end) }

async function openStocked(): Promise<TestDashboard> {
  const database = await openTestDatabase(lifetime)
  const storeRoot = await mkdtemp(join(tmpdir(), 'every-page-'))
  ends.defer(() => rm(storeRoot, { recursive: true }))
  await stockShelves(lifetime, { db: database.pool, storeRoot, products: 100_000 })
  return openDashboard(lifetime, database)
}

/** The links of the page to other pages of the dashboard. */
async function listLinks({ page }: Tab): Promise<string[]> {
  const all = await page
    .locator('a[href]')
    .evaluateAll((found) => found.map((one) => one.getAttribute('href') ?? ''))
  return all.filter((href) => href.startsWith('/')).map((href) => href.replace(/#.*$/, ''))
}

/** Describes the faults of the page that the tab shows. */
async function findFaults({ page, faults }: Tab): Promise<string[]> {
  const headings = await page.locator('h1').count()
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  )
  return [
    ...faults,
    ...(headings === 1 ? [] : [`${headings} headings of level 1`]),
    ...(overflow <= 0 ? [] : [`${overflow} px wider than the screen`]),
    ...(await findAccessFaults(page)),
  ]
}

for (const [state, open] of [
  ['stocked', openStocked],
  ['empty', async () => openDashboard(lifetime, await openTestDatabase(lifetime))],
] as const)
  test(`every page of a ${state} database has no fault`, { skip: WITHOUT_BROWSER }, async (t) => {
    const dashboard = await open()
    const { cookie } = await dashboard.signIn()
    const browser = await openBrowser(lifetime)
    const links = new Set<string>()
    for (const { path, example, access } of listPages()) {
      // A page of one thing does not exist without it.
      const expected = state === 'empty' && path.includes(':') ? [200, 404] : [200]
      await t.test(path, async () => {
        for (const look of LOOKS) {
          const tab = await browser.open(dashboard.url, {
            ...look,
            cookie: access === 'key' ? cookie : '',
          })
          const response = await tab.page.goto(example)
          const words = `${example}, ${look.theme}, ${look.size.width} px`
          assert.ok(expected.includes(response?.status() ?? 0), `${words}: ${response?.status()}`)
          assert.deepEqual(await findFaults(tab), [], words)
          if (response?.status() === 200) for (const link of await listLinks(tab)) links.add(link)
          await tab.close()
        }
      })
    }
    await t.test('every link has a page', async () => {
      const broken = []
      for (const link of links) {
        const response = await fetch(dashboard.url + link, { headers: { cookie } })
        // Read to its end, because only a few exports may be under way.
        await response.arrayBuffer()
        if (response.status !== 200 && !isDownload(link)) broken.push(`${response.status} ${link}`)
      }
      assert.ok(links.size > 0)
      assert.deepEqual(broken, [])
    })
  })

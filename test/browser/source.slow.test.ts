// The page of a source in a real browser, as a person uses it.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openBrowser, WITHOUT_BROWSER } from '../support/browser.ts'
import { openDashboard } from '../support/dashboard.ts'
import { openTestDatabase } from '../support/database.ts'
import { openShops } from '../support/shelves.ts'

const ends = new AsyncDisposableStack()
after(() => ends.disposeAsync())
const lifetime = { after: (end: () => Promise<void>) => ends.defer(end) }

test(
  'a person runs, pauses and changes a source, and decides a held run',
  { skip: WITHOUT_BROWSER },
  async () => {
    const database = await openTestDatabase(lifetime)
    const storeRoot = await mkdtemp(join(tmpdir(), 'source-browser-'))
    ends.defer(() => rm(storeRoot, { recursive: true }))
    const { heldRun } = await openShops(lifetime, { db: database.pool, storeRoot })
    const dashboard = await openDashboard(lifetime, database)
    const { cookie } = await dashboard.signIn({ name: 'Kim' })
    const browser = await openBrowser(lifetime)
    const { page, faults } = await browser.open(dashboard.url, { cookie })

    await page.goto('/sources/roastery')
    await page.locator('form[action$="/pause"] button').click()
    await page.getByText('roastery is paused.').waitFor()
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.getByText('roastery is active.').waitFor()

    const run = page.locator('.runs-chart a').last()
    const name = (await run.getAttribute('aria-label')) ?? ''
    assert.match(name, /^Run \d+, full, succeeded, .*30 unchanged/)
    assert.equal(await page.locator('.runs-chart a[tabindex="0"]').count(), 1)
    const previous = page.locator('.runs-chart a').nth(-2)
    const focused = (): Promise<string | null> =>
      page.evaluate(() => document.activeElement?.getAttribute('href') ?? null)
    await run.focus()
    await page.keyboard.press('ArrowLeft')
    assert.equal(await focused(), await previous.getAttribute('href'))
    await page.keyboard.press('End')
    assert.equal(await focused(), await run.getAttribute('href'))
    await page.keyboard.press('Enter')
    await page.waitForURL('**/runs/*')

    await page.goto('/sources/roastery?view=settings')
    await page.getByText('Change the schedule').click()
    await page.getByLabel('Cron').fill('30 4 * * 1')
    await page.getByRole('button', { name: 'Save' }).first().click()
    await page.getByText('every Monday at 04:30, UTC').waitFor()

    await page.goto('/sources/roastery?view=timeline')
    await page.getByLabel('Events').selectOption('setting')
    await page.waitForURL('**topic=setting**')
    await page.getByText('paused the source').waitFor()
    assert.equal(await page.locator('.timeline').getByText('succeeded').count(), 0)

    const tab = await browser.open(dashboard.url, { cookie })
    await tab.page.goto('/sources/roastery')
    await page.goto('/sources/roastery')
    await page.getByRole('button', { name: 'Run now' }).click()
    await page.getByRole('progressbar').waitFor()
    // The other tab learns of the run by itself.
    await tab.page.getByText('is in progress').waitFor()
    await page.locator('summary', { hasText: 'Cancel' }).click()
    await page.getByLabel('Reason').fill('by mistake')
    await page.getByRole('button', { name: 'Cancel the run' }).click()
    await page.getByText('Kim cancelled the run.').waitFor()
    await tab.page.getByText('is in progress').waitFor({ state: 'detached' })

    await page.goto(`/runs/${heldRun}`)
    await page.getByText('Products missing').waitFor()
    await page.locator('summary', { hasText: 'Approve' }).click()
    await page.getByRole('button', { name: 'Approve what is shown' }).click()
    await page.getByText(`Run ${heldRun} is approved`).waitFor()
    assert.deepEqual([...faults, ...tab.faults], [])
  },
)

// Live updates, sessions and the keyboard in a real browser.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Page } from 'playwright-core'
import { DiskStore } from '../../src/artifacts/stores/disk.ts'
import { openBrowser, PHONE, WITHOUT_BROWSER } from '../support/browser.ts'
import { openDashboard, READ_KEY } from '../support/dashboard.ts'
import { openTestDatabase } from '../support/database.ts'
import { stockShelves } from '../support/shelves.ts'

const options = { skip: WITHOUT_BROWSER }
const ends = new AsyncDisposableStack()
after(() => ends.disposeAsync())
const lifetime = { after: (end: () => Promise<void>) => ends.defer(end) }

const database = await openTestDatabase(lifetime)
const storeRoot = await mkdtemp(join(tmpdir(), 'live-'))
ends.defer(() => rm(storeRoot, { recursive: true }))
const { heldRun } = await stockShelves(lifetime, { db: database.pool, storeRoot })
const dashboard = await openDashboard(lifetime, database, { store: new DiskStore(storeRoot) })
const browser = await openBrowser(lifetime)

const showsState = (page: Page, text: RegExp): Promise<void> =>
  page.locator('[data-live-text]').filter({ hasText: text }).waitFor()

/** The page as if its tab were hidden, or visible again. */
async function setHidden(page: Page, hidden: boolean): Promise<void> {
  await page.evaluate((value) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => value })
    document.dispatchEvent(new Event('visibilitychange'))
  }, hidden)
}

const focused = (page: Page): Promise<string> =>
  page.evaluate(() => document.activeElement?.textContent.trim() ?? '')

test('a region follows the database, and pauses in a hidden tab', options, async () => {
  const { cookie } = await dashboard.signIn()
  const { page, faults, close } = await browser.open(dashboard.url, { cookie })
  await page.goto('/sources/roastery')
  await showsState(page, /^Live$/)
  const link = page.locator('#health').getByText('Search its products')
  await link.focus()
  const before = await focused(page)
  const paused = page.locator('#health > p .badge', { hasText: 'paused' })
  await setState('paused')
  await paused.waitFor()
  assert.equal(await focused(page), before, 'the focus stays')
  await setHidden(page, true)
  await showsState(page, /^Paused while hidden$/)
  await setState('active')
  await setHidden(page, false)
  await showsState(page, /^Live$/)
  await paused.waitFor({ state: 'detached' })
  await page.locator('[data-live-toggle]').click()
  await showsState(page, /^Paused$/)
  assert.deepEqual(faults, [])
  await close()
})

async function setState(state: string): Promise<void> {
  await database.pool.query(`update catalog.sources set state = $1 where name = 'roastery'`, [
    state,
  ])
}

test('a page says that its server is gone, and recovers', options, async () => {
  const { cookie } = await dashboard.signIn()
  const { page, context, close } = await browser.open(dashboard.url, { cookie })
  await context.route('**/runs', (route) =>
    route.request().headers()['accept'] === 'text/event-stream' ? route.abort() : route.fallback(),
  )
  await page.goto('/runs')
  await showsState(page, /trying again/)
  await context.unrouteAll()
  await showsState(page, /^Live$/)
  await close()
})

test('a sign-out ends the updates of every tab, which then leads back', options, async () => {
  const { cookie } = await dashboard.signIn()
  const { page, context, close } = await browser.open(dashboard.url, { cookie })
  await page.goto('/runs?state=held')
  await showsState(page, /^Live$/)
  const other = await context.newPage()
  await other.goto('/')
  await other.getByRole('button', { name: 'Sign out' }).click()
  await other.waitForURL('**/sign-in')
  await showsState(page, /Signed out/)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL('**/sign-in?to=*')
  await page.getByLabel('Your name').fill('Ada Lovelace')
  await page.getByLabel('Key', { exact: true }).fill('the-key-of-today-1234')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL('**/runs?state=held')
  await close()
})

test('a person decides with the keyboard alone', options, async () => {
  const { cookie } = await dashboard.signIn()
  const { page, faults, close } = await browser.open(dashboard.url, { cookie })
  await page.goto('/')
  await page.keyboard.press('Tab')
  assert.equal(await focused(page), 'Skip to the content')
  await page.keyboard.press('/')
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('name')), 'text')
  await page.goto(`/runs/${heldRun}`)
  await page.getByRole('button', { name: 'Reject' }).first().focus()
  await page.keyboard.press('Enter')
  const question = page.locator('details[data-confirm][open]')
  await question.waitFor()
  for (let tab = 0; tab < 6; tab++) {
    await page.keyboard.press('Tab')
    const isInside = await question.evaluate((one) => one.contains(document.activeElement))
    assert.ok(isInside, 'the focus stays in the question')
  }
  await page.keyboard.press('Escape')
  await question.waitFor({ state: 'detached' })
  assert.equal(await focused(page), 'Reject')
  assert.deepEqual(faults, [])
  await close()
})

test('every focused element has a visible ring', options, async () => {
  const { cookie } = await dashboard.signIn()
  const { page, close } = await browser.open(dashboard.url, { cookie })
  await page.goto('/sources/pharmacy')
  const hidden = []
  for (let tab = 0; tab < 25; tab++) {
    await page.keyboard.press('Tab')
    const seen = await page.evaluate(() => {
      const one = document.activeElement
      if (!one) return null
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(one)
      const isRinged = (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none'
      return isRinged ? null : one.outerHTML.slice(0, 80)
    })
    if (seen !== null) hidden.push(seen)
  }
  assert.deepEqual(hidden, [])
  await close()
})

test('a person who may only look sees no button that writes', options, async () => {
  const { cookie } = await dashboard.signIn({ name: 'Grace Hopper', key: READ_KEY })
  const { page, close } = await browser.open(dashboard.url, { cookie, size: PHONE })
  for (const path of ['/', '/sources/pharmacy', `/runs/${heldRun}`, '/jobs', '/alerts']) {
    await page.goto(path)
    const actions = await page
      .locator('main form[method=post]')
      .evaluateAll((all) => all.map((one) => one.getAttribute('action')))
    assert.deepEqual(actions, [], path)
  }
  await close()
})

test('without a script a person filters and decides', options, async () => {
  const { cookie } = await dashboard.signIn()
  const { page, close } = await browser.open(dashboard.url, { cookie, javaScript: false })
  await page.goto('/')
  await page.getByLabel('State').selectOption('held')
  await page.getByRole('button', { name: 'Apply' }).click()
  await page.waitForURL('**/?*state=held*')
  await page.goto('/sources/roastery')
  await page.getByRole('button', { name: 'Pause', exact: true }).click()
  await page.getByText('roastery is paused').waitFor()
  await page.getByRole('button', { name: 'Resume' }).click()
  await page.getByText('roastery is active').waitFor()
  await page.goto(`/runs/${heldRun}`)
  await page.getByText('Reject', { exact: true }).first().click()
  await page.getByRole('button', { name: 'Reject' }).last().click()
  await page.getByText('rejected', { exact: true }).first().waitFor()
  await close()
})

test('a form of another session is refused', options, async () => {
  const { get, cookie } = await dashboard.signIn()
  const body = new URLSearchParams({ csrf: 'of-another-session', back: '/' })
  const refused = await get('/sources/roastery/pause', { method: 'POST', body })
  assert.equal(refused.status, 403)
  const { page, close } = await browser.open(dashboard.url, { cookie })
  await page.goto('/sources/roastery')
  await page.getByRole('button', { name: 'Pause', exact: true }).first().waitFor()
  await close()
})

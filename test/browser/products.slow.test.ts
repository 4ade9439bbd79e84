// The search of products and the page of a product, as a person uses them in a browser.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { findAccessFaults } from '../support/axe.ts'
import { DESKTOP, openBrowser, PHONE, WITHOUT_BROWSER } from '../support/browser.ts'
import { openDashboard } from '../support/dashboard.ts'
import { openTestDatabase } from '../support/database.ts'
import { openToy } from '../support/toy/open.ts'

const PRODUCTS = 70

const ends = new AsyncDisposableStack()
after(() => ends.disposeAsync())
const lifetime = { after: (end: () => Promise<void>) => ends.defer(end) }
const database = await openTestDatabase(lifetime)
const start = { products: PRODUCTS, pageSize: 50 }
const { pipeline, supplier } = await openToy(lifetime, { db: database.pool, start })
const [renamed = '', repriced = '', removed = ''] = supplier.catalogue.ids()
await pipeline.sync()
supplier.catalogue.update([renamed], { name: 'Étoile lamp' })
supplier.catalogue.setPrice([repriced], { factor: 1.5 })
supplier.catalogue.remove([removed])
await pipeline.sync()
await pipeline.sync()
const dashboard = await openDashboard(lifetime, database)
const { cookie } = await dashboard.signIn()

test(
  'the results follow the search box, the address follows the results, and the back button returns',
  { skip: WITHOUT_BROWSER },
  async (t) => {
    const browser = await openBrowser(t)
    const { page, faults } = await browser.open(dashboard.url, { cookie, size: DESKTOP })
    await page.goto('/products')
    const status = page.locator('#results [role=status]')
    await status.getByText(`${PRODUCTS - 1} products`).waitFor()
    const box = page.getByLabel('Search', { exact: true })
    await box.pressSequentially('etoile')
    await status.getByText('1 product', { exact: true }).waitFor()
    await page.waitForURL(/\/products\?.*q=etoile/)
    assert.equal(await page.locator('#results tbody tr').count(), 1)
    // The person continues to type: the box keeps the focus and its text.
    await page.keyboard.type(' nothing')
    await page.getByText('No product matches').waitFor()
    assert.equal(await box.inputValue(), 'etoile nothing')
    await page.waitForURL(/q=etoile\+nothing/)
    await page.goBack()
    await status.getByText('1 product', { exact: true }).waitFor()
    assert.match(page.url(), /q=etoile(&|$)/)
    assert.deepEqual(faults, [])
  },
)

test('filters, the order and the next page work together', { skip: WITHOUT_BROWSER }, async (t) => {
  const browser = await openBrowser(t)
  const { page, faults } = await browser.open(dashboard.url, { cookie, size: DESKTOP })
  await page.goto('/products')
  await page.locator('select[name=sort]').selectOption('price-high')
  await page.waitForURL(/sort=price-high/)
  const first = page.locator('#results tbody tr').first()
  await first.getByText('EUR 15.00').waitFor()
  await page.getByRole('link', { name: 'Next page' }).click()
  await page.waitForURL(/after=/)
  await page.getByText('End of the list').waitFor()
  assert.equal(await page.locator('#results tbody tr').count(), PRODUCTS - 1 - 50)
  await page.locator('select[name=status]').selectOption('removed')
  await page.waitForURL((url) => url.searchParams.get('status') === 'removed')
  await page.locator('#results tbody tr').getByText('removed', { exact: true }).waitFor()
  assert.doesNotMatch(page.url(), /after=/)
  assert.deepEqual(faults, [])
})

test(
  'a product opens with its charts, a removed one with its receipt',
  { skip: WITHOUT_BROWSER },
  async (t) => {
    const browser = await openBrowser(t)
    const { page, faults } = await browser.open(dashboard.url, {
      cookie,
      size: PHONE,
      theme: 'dark',
    })
    await page.goto(`/products?q=${encodeURIComponent(repriced)}`)
    await page.locator('#results tbody a').first().click()
    await page.getByRole('img', { name: /price in EUR/ }).waitFor()
    assert.deepEqual(await findAccessFaults(page), [])
    await page.goto(`/products?status=all&q=${encodeURIComponent(removed)}`)
    await page.locator('#results tbody a').first().click()
    await page.getByRole('heading', { name: 'Why it was removed' }).waitFor()
    assert.equal(
      await page
        .getByRole('table', { name: 'Runs without the product' })
        .locator('tbody tr')
        .count(),
      2,
    )
    await page.getByRole('img', { name: /active from the first load; removed since/ }).waitFor()
    assert.deepEqual(await findAccessFaults(page), [])
    assert.deepEqual(faults, [])
  },
)

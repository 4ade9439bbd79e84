// The queue of reviews in a real browser: a person filters it, approves, edits and rejects, learns who has
// decided before, and adds and removes a rule.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadReview } from '../../src/db/read/reviews.ts'
import { listReviewRules } from '../../src/db/review-rules.ts'
import { addSource } from '../../src/db/sources.ts'
import { decideReview } from '../../src/db/write/decisions.ts'
import { findAccessFaults } from '../support/axe.ts'
import { openBrowser, WITHOUT_BROWSER } from '../support/browser.ts'
import { KEY, openDashboard } from '../support/dashboard.ts'
import { openTestDatabase } from '../support/database.ts'

const database = await openTestDatabase()
const { pool: db } = database

/** Holds the prices of five products, and returns their reviews. */
async function holdPrices(): Promise<number[]> {
  await addSource(db, {
    name: 'tea-shop',
    connector: 'shopify',
    settings: { currency: 'EUR' },
    schedule: { cron: '30 2 * * *', zone: 'UTC', fullOn: 'none' },
  })
  for (const product of ['green', 'black', 'white', 'red', 'blue']) {
    const price = (amount: number) => JSON.stringify([{ price: amount }])
    await db.query(
      `select * from api.rpc_upsert_product('tea-shop', $1, initcap($1) || ' tea', p_prices => $2)`,
      [product, price(10)],
    )
    await db.query(`select * from api.rpc_insert_price('tea-shop', $1, $1, 500)`, [product])
  }
  const { rows } = await db.query<{ id: number }>(
    'select id::integer from catalog.reviews order by id',
  )
  return rows.map(({ id }) => id)
}

test('a person works through the queue', { skip: WITHOUT_BROWSER }, async (t) => {
  const [green = 0, black = 0, white = 0, ...rest] = await holdPrices()
  const dashboard = await openDashboard(t, database)
  const { cookie } = await dashboard.signIn()
  const browser = await openBrowser(t)
  const { page, faults } = await browser.open(dashboard.url, { cookie })
  const button = (name: string) => page.getByRole('button', { name, exact: true })

  await page.goto('/reviews')
  assert.deepEqual(await findAccessFaults(page), [])
  await page.getByLabel('Product').fill('green')
  await page.getByText('1 open review', { exact: true }).waitFor()
  await button(`Approve review ${green}`).click()
  await page.getByText('1 review approved.').waitFor()

  await page.goto(`/reviews/${black}`)
  await page.getByLabel('Price in EUR').fill('12.50')
  await button('Accept this value').click()
  await page.getByText(`Review ${black} is accepted with your value.`).waitFor()

  await page.goto(`/reviews/${white}`)
  await decideReview(db, white, { approve: false, by: 'ben' })
  await button('Approve').click()
  await page.getByText(`Review ${white} is not open: ben rejected it at`).waitFor()

  await page.goto('/reviews')
  await page.getByLabel('Choose all on this page').check()
  await button('Reject the chosen').click()
  await page.getByText('2 reviews rejected.').waitFor()
  await page.getByText('Nothing waits for a person').waitFor()
  const reviews = await Promise.all([green, black, white, ...rest].map((id) => loadReview(db, id)))
  assert.deepEqual(
    reviews.map(({ state }) => state),
    ['approved', 'approved', 'rejected', 'rejected', 'rejected'],
  )

  await page.goto('/reviews/rules')
  await page.getByText('No rule yet').waitFor()
  await page.locator('select[name=what]').selectOption('Never accept a price of zero')
  await button('Add the rule').click()
  await page.getByText('Rule of tea-shop: never accept a price of zero.').waitFor()
  await button('Remove').click()
  await page.getByText('Remove the rule “never accept a price of zero”?').waitFor()
  assert.deepEqual(await findAccessFaults(page), [])
  await page.locator('.confirm-box').getByRole('button', { name: 'Remove' }).click()
  await page.getByText(/^Rule \d+ is removed/).waitFor()
  await page.getByText('No rule yet').waitFor()
  assert.deepEqual(await listReviewRules(db, null), [])
  assert.deepEqual(faults, [])
})

test('a person cannot sign in as a rule', async (t) => {
  const dashboard = await openDashboard(t, database)
  const response = await fetch(`${dashboard.url}/sign-in`, {
    method: 'POST',
    body: new URLSearchParams({ name: 'Rule 7', key: KEY, to: '/' }),
  })
  assert.equal(response.status, 400)
  assert.match(await response.text(), /“Rule 7” stands for decisions without a person/)
})

// Webhooks and rules in a real browser, from the form that adds a webhook to the message of a rule.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listActions } from '../../src/db/read/actions.ts'
import { ATTEMPTS_MAX } from '../../src/downstream/deliver/judge-attempt.ts'
import { findAccessFaults } from '../support/axe.ts'
import { openBrowser, PHONE, WITHOUT_BROWSER } from '../support/browser.ts'
import { openDashboard, READ_KEY } from '../support/dashboard.ts'
import { openTestDatabase } from '../support/database.ts'
import { openDeliveries } from '../support/deliveries.ts'

const database = await openTestDatabase()
const db = database.pool

const PRICE = 'price:v:retail'

test(
  'a person adds a webhook, replays a dead letter, tries a rule and switches it on',
  { skip: WITHOUT_BROWSER },
  async (t) => {
    const feed = await openDeliveries(t, db)
    const dashboard = await openDashboard(t, database)
    const browser = await openBrowser(t)
    const { cookie } = await dashboard.signIn()
    const { page, faults } = await browser.open(dashboard.url, { cookie, size: PHONE })
    const button = (name: string) => page.getByRole('button', { name, exact: true })

    await page.goto('/webhooks')
    await page.getByText('No webhooks yet').waitFor()
    assert.deepEqual(await findAccessFaults(page), [])
    await page.getByLabel('Name').fill('orders')
    await page.getByLabel('Address').fill('http://10.1.2.3/')
    await button('Add').click()
    await page.getByText('private').waitFor()
    await page.getByLabel('Name').fill('orders')
    await page.getByLabel('Address').fill(`${feed.receiver.url}/orders`)
    await button('Add').click()
    await page.getByText('orders is added.').waitFor()
    await page.getByText('WEBHOOK_SECRET_ORDERS').waitFor()

    await button('Send a test message').click()
    await page.getByText('A test message is queued.').waitFor()
    await feed.work()
    // The page updates itself.
    await page.locator('#deliveries').getByText('delivered', { exact: true }).waitFor()
    assert.deepEqual(await findAccessFaults(page), [])

    feed.misbehave({ kind: 'status', status: 500 })
    await feed.publish('kettle')
    await db.query('select catalog.queue_deliveries(100)')
    await db.query(`update catalog.deliveries set attempts = $1 where state = 'waiting'`, [
      ATTEMPTS_MAX - 1,
    ])
    await feed.work()
    await page.goto('/webhooks/orders?state=dead')
    await page.locator('#deliveries').getByText('HTTP 500').waitFor()
    await page.getByText('Replay all dead letters').first().click()
    await button('Send again').first().click()
    await page.getByText('1 message will be sent again.').waitFor()
    await feed.skipWaits()
    await feed.work()
    await page.goto('/webhooks/orders?state=delivered')
    await page.locator('#deliveries').getByText('kettle').waitFor()

    await feed.publish('pot', { detail: { [PRICE]: [null, 1000] }, daysAgo: 20 })
    await feed.publish('pot', { detail: { [PRICE]: [1000, 900] }, daysAgo: 5 })
    await page.goto('/rules')
    await page.getByLabel('Event').selectOption('price-down')
    await page.getByText('It would have fired 1 time in the last 30 days').waitFor()
    await page.getByLabel('Least percent').fill('11')
    await page.getByText('It would have fired 0 times in the last 30 days').waitFor()
    await page.getByLabel('Least percent').fill('10')
    await page.getByText('It would have fired 1 time in the last 30 days').waitFor()
    assert.deepEqual(await findAccessFaults(page), [])
    await page.getByLabel('Name').fill('cheaper')
    await button('Add, switched on').click()
    await page.getByText('cheaper is added and on.').waitFor()
    await feed.publish('pot', { detail: { [PRICE]: [900, 700] } })
    await feed.work()
    await page.goto('/rules/cheaper')
    await page.locator('#messages').getByText('pot').waitFor()
    await page.getByRole('link', { name: 'Try it on the last 30 days' }).click()
    await page.getByText('It would have fired 2 times in the last 30 days').waitFor()
    assert.deepEqual(await findAccessFaults(page), [])
    await button('Switch off').click()
    await page.getByText('cheaper is off.').waitFor()

    assert.deepEqual(faults, [])
    const { items } = await listActions(db, { limit: 20 })
    assert.deepEqual(items.map(({ action, actor }) => `${actor}: ${action}`).toReversed(), [
      'Ada Lovelace: webhook.add',
      'Ada Lovelace: webhook.test',
      'Ada Lovelace: webhook.replay',
      'Ada Lovelace: rule.add',
      'Ada Lovelace: rule.off',
    ])
  },
)

test('a reader sees the webhooks and changes nothing', async (t) => {
  const feed = await openDeliveries(t, db)
  await feed.add('orders')
  const dashboard = await openDashboard(t, database)
  const reader = await dashboard.signIn({ name: 'Grace', key: READ_KEY })
  for (const path of ['/webhooks', '/webhooks/orders', '/rules?event=gone'])
    assert.doesNotMatch(await reader.read(path), /method="post" action="\/(webhooks|rules)/)
  assert.equal((await reader.post('/webhooks/orders/remove')).status, 403)
})

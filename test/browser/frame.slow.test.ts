// The frame of the pages in a real browser.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findAccessFaults } from '../support/axe.ts'
import { openBrowser, PHONE, WITHOUT_BROWSER } from '../support/browser.ts'
import { openDashboard } from '../support/dashboard.ts'
import { openTestDatabase } from '../support/database.ts'

const database = await openTestDatabase()

test('a person signs in and sees the overview', { skip: WITHOUT_BROWSER }, async (t) => {
  const dashboard = await openDashboard(t, database)
  const browser = await openBrowser(t)
  const { page, faults } = await browser.open(dashboard.url, { size: PHONE })
  await page.goto('/')
  assert.match(page.url(), /\/sign-in$/)
  assert.deepEqual(await findAccessFaults(page), [])
  await page.getByLabel('Your name').fill('Ada Lovelace')
  await page.getByLabel('Key', { exact: true }).fill('the-key-of-today-1234')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL('/')
  await page.getByRole('heading', { level: 1 }).waitFor()
  assert.deepEqual(await findAccessFaults(page), [])
  assert.deepEqual(faults, [])
})

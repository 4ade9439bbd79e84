// The pages of jobs and alerts in a real browser: a person retries a dead letter, closes a breaker,
// and decides on alerts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { listAlerts } from '../../src/db/alerts.ts'
import { listActions } from '../../src/db/read/actions.ts'
import { findAccessFaults } from '../support/axe.ts'
import { openBrowser, PHONE, WITHOUT_BROWSER } from '../support/browser.ts'
import { openDashboard } from '../support/dashboard.ts'
import { openTestDatabase } from '../support/database.ts'
import { openMedipim } from '../support/medipim.ts'
import { openServices } from '../support/services.ts'

const skip = WITHOUT_BROWSER
const database = await openTestDatabase()
const { pool: db } = database

async function listNewActions(source?: string) {
  const { items } = await listActions(db, { source, limit: 10 })
  return items.map(({ action, actor, subject, reason }) => [action, actor, subject, reason])
}

/** The row of the table with this text. */
function rowOf(page: Page, text: string | RegExp) {
  return page.getByRole('row').filter({ hasText: text })
}

test('a person retries a dead letter, and its run succeeds', { skip }, async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db })
  const services = await openServices(t, database, pipeline)
  simulator.faults.set({ kind: 'status', status: 401, times: null })
  const stop = services.startWorkers()
  const { run } = await services.requestRun()
  await services.waitForDeadLetter(run)
  await stop()
  simulator.faults.clear()
  const dashboard = await openDashboard(t, database)
  const { cookie } = await dashboard.signIn()
  const browser = await openBrowser(t)
  const { page, faults } = await browser.open(dashboard.url, { cookie })
  await page.goto('/jobs')
  const letter = rowOf(page, `${run}-fetch`)
  await letter.getByText(/401/).waitFor()
  assert.deepEqual(await findAccessFaults(page), [])
  await letter.getByRole('button', { name: 'Retry' }).click()
  await page.getByText(`Run ${run} of ${pipeline.name} resumes.`).waitFor()
  await page.getByText('No dead letter').waitFor()
  services.startWorkers()
  assert.equal((await services.waitForEnd(run)).state, 'succeeded')
  const [action] = await listNewActions(pipeline.name)
  assert.deepEqual(action, ['job.retry', 'Ada Lovelace', `${run}-fetch`, null])
  assert.deepEqual(faults, [])
})

test('a person closes a circuit breaker, after a question', { skip }, async (t) => {
  await db.query(
    `insert into catalog.circuit_breakers (scope, key, version, state, failed_at, failures, opened_at, retry_at, cooldown_ms, reason, changed_at)
       values ('host', 'down.example', 1, 'open', '{}', 5, now() - interval '1 hour', now() + interval '5 minutes', 0, 'no response within 30 s', now())`,
  )
  const dashboard = await openDashboard(t, database)
  const { cookie } = await dashboard.signIn()
  const browser = await openBrowser(t)
  const { page, faults } = await browser.open(dashboard.url, { cookie, size: PHONE })
  await page.goto('/jobs')
  const breaker = rowOf(page, /no response within 30 s/)
  await breaker.getByRole('button', { name: 'Reset' }).click()
  const question = page.getByText('Close the circuit breaker of down.example?')
  await question.waitFor()
  assert.deepEqual(await findAccessFaults(page), [])
  // The question stays open while the tables of the page are updated.
  await db.query(
    `insert into catalog.circuit_breakers (scope, key, version, state, failed_at, failures, opened_at, retry_at, cooldown_ms, reason, changed_at)
       values ('host', 'other.example', 1, 'open', '{}', 5, now(), now() + interval '5 minutes', 0, 'reset by peer', now())`,
  )
  await page.getByText('reset by peer').waitFor()
  assert.equal(await question.isVisible(), true)
  await page.locator('details[open] .confirm-box').getByRole('button', { name: 'Reset' }).click()
  await page.getByText('The circuit breaker of down.example is closed.').waitFor()
  const { rows } = await db.query('select key from catalog.list_breakers()')
  assert.deepEqual(rows, [{ key: 'other.example' }])
  const [action] = await listNewActions()
  assert.deepEqual(action?.slice(0, 3), ['limit.reset', 'Ada Lovelace', 'host down.example'])
  assert.deepEqual(faults, [])
})

test(
  'a person acknowledges an alert and mutes another for a time, each with a reason',
  { skip },
  async (t) => {
    await db.query(
      `insert into catalog.alerts (kind, subject, source, run, state, reason, since, opened_at) values
       ('late', 'corner-shop', 'corner-shop', null, 'open', 'no run has succeeded since it was due on 2026-03-02 03:00 UTC', now(), now()),
       ('breaker', 'down.example', null, null, 'open', 'down since 2026-03-02 08:00 UTC', now(), now())`,
    )
    const dashboard = await openDashboard(t, database)
    const { cookie } = await dashboard.signIn()
    const browser = await openBrowser(t)
    const { page, faults } = await browser.open(dashboard.url, { cookie, size: PHONE })
    await page.goto('/alerts')
    const decide = async (alert: string, verb: string, hours?: string): Promise<void> => {
      await rowOf(page, alert).getByRole('button', { name: verb }).click()
      const box = page.locator('details[open] .confirm-box, dialog[open]')
      if (hours !== undefined) await box.locator('select').selectOption(hours)
      await box.getByLabel(/Reason/).fill('the shop moves')
      assert.deepEqual(await findAccessFaults(page), [])
      await box.getByRole('button', { name: verb }).click()
      await page.getByText(/^The alert “/).waitFor()
    }
    await decide('corner-shop', 'Acknowledge')
    await rowOf(page, 'corner-shop')
      .getByText(/acknowledged/)
      .waitFor()
    await decide('down.example', 'Mute', '8')
    await rowOf(page, 'down.example').getByText(/muted/).waitFor()
    const [muted, acknowledged] = await listAlerts(db, 0)
    assert.equal(acknowledged?.acknowledgedBy, 'Ada Lovelace')
    const mutedMs = (muted?.mutedUntil?.getTime() ?? 0) - Date.now()
    assert.ok(mutedMs > 7.9 * 3_600_000 && mutedMs < 8.1 * 3_600_000, String(mutedMs))
    assert.deepEqual((await listNewActions()).slice(0, 2), [
      ['alert.mute', 'Ada Lovelace', `alert ${muted?.id}`, 'the shop moves'],
      ['alert.acknowledge', 'Ada Lovelace', `alert ${acknowledged?.id}`, 'the shop moves'],
    ])
    await rowOf(page, 'down.example').getByRole('button', { name: 'Unmute' }).click()
    await page.getByText(/no longer muted/).waitFor()
    assert.deepEqual(faults, [])
  },
)

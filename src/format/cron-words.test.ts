import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeCron } from './cron-words.ts'

test('common schedules have words, and others have none', () => {
  for (const [cron, words] of [
    ['17 3 * * *', 'every day at 03:17'],
    ['5 6,18 * * *', 'every day at 06:05 and 18:05'],
    ['0 */2 * * *', 'every 2 hours at minute 0'],
    ['41 * * * *', 'every hour at minute 41'],
    ['*/15 * * * *', 'every 15 minutes'],
    ['30 4 * * 1', 'every Monday at 04:30'],
    ['30 4 * * sun', 'every Sunday at 04:30'],
    ['0 * * * 7', 'every hour at minute 0 on Sundays'],
    ['30 4 1 * *', null],
    ['30 4 * * 1-5', null],
    ['*/5 3 * * *', null],
    ['nonsense', null],
  ] as const)
    assert.equal(describeCron(cron), words, cron)
})

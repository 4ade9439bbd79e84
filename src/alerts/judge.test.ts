// The life of an alert and the messages about it, as tables of cases without a database.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AlertKind, Cause, StoredAlert } from '../core/alert.ts'
import type { AlertChannel } from '../db/alerts.ts'
import { isWeeklyDue, planDigest, writeDigest, writeWeekly } from './digest.ts'
import { judgeAlerts } from './judge.ts'

const START = Date.parse('2026-03-02T09:00:00Z')
const MINUTE = 60_000
const at = (minutes: number): Date => new Date(START + minutes * MINUTE)

function cause(kind: AlertKind, subject = 'shop', reason = 'something is wrong'): Cause {
  return { kind, subject, source: subject, run: null, reason }
}

/**
 * Judges once a minute and returns the state after each minute. `present` are its minutes with the
 * cause.
 */
function live(kind: AlertKind, minutes: number, present: (minute: number) => boolean): string[] {
  let alerts: StoredAlert[] = []
  let next = 1
  return Array.from({ length: minutes }, (_, minute) => {
    const changes = judgeAlerts(alerts, present(minute) ? [cause(kind)] : [], at(minute))
    for (const change of changes) {
      const id = change.id ?? next++
      alerts = [...alerts.filter((one) => one.id !== id), store({ ...change, id })]
    }
    return alerts
      .filter(({ state, openedAt }) => state !== 'closed' || openedAt !== null)
      .map(({ state }) => state)
      .join()
  })
}

function store(alert: Partial<StoredAlert> & { id: number }): StoredAlert {
  return {
    ...cause('late'),
    state: 'open',
    since: at(0),
    openedAt: at(0),
    absentSince: null,
    closedAt: null,
    acknowledgedBy: null,
    acknowledgedAt: null,
    mutedUntil: null,
    mutedBy: null,
    sent: [],
    ...alert,
  }
}

function channel(state: Partial<AlertChannel> = {}): AlertChannel {
  return {
    channel: 'slack',
    lastSentAt: null,
    failures: 0,
    error: null,
    retryAt: null,
    weeklyAt: at(0),
    runEnd: 0,
    ...state,
  }
}

test('an alert opens when its cause has lasted, and closes when it stays absent', () => {
  assert.deepEqual(
    live('held', 3, (minute) => minute < 2),
    ['open', 'open', 'closed'],
  )
  const states = live('breaker', 20, (minute) => minute < 12)
  assert.deepEqual(
    [states[0], states[9], states[10], states[12], states[16], states[17]],
    ['pending', 'pending', 'open', 'open', 'open', 'closed'],
  )
})

test('a cause that ends before its alert opens leaves no alert', () => {
  assert.deepEqual(live('breaker', 12, (minute) => minute < 9).at(-1), '')
})

test('a cause that comes and goes at a threshold has one alert', () => {
  const states = live('back-pressure', 60, (minute) => minute % 8 < 4)
  assert.ok(states.every((state) => state === 'open'))
})

test('an alert that stays as it is has no change', () => {
  const [opened] = judgeAlerts([], [cause('late')], at(0))
  assert.ok(opened)
  const alert = store({ ...opened, id: 1 })
  assert.deepEqual(judgeAlerts([alert], [cause('late')], at(5)), [])
  assert.equal(judgeAlerts([alert], [cause('late', 'shop', 'worse')], at(5))[0]?.reason, 'worse')
})

test('a message is due for alerts that no person knows of, after a moment in which others may join', () => {
  const cases: readonly [string, Partial<StoredAlert>, Partial<AlertChannel>, number, boolean][] = [
    ['at once', {}, {}, 0.1, false],
    ['after half a minute', {}, {}, 0.5, true],
    ['sent already', { sent: ['slack opened'] }, {}, 9, false],
    ['sent to another channel', { sent: ['sentry opened'] }, {}, 9, true],
    ['acknowledged', { acknowledgedBy: 'ann' }, {}, 9, false],
    ['muted', { mutedUntil: at(10) }, {}, 9, false],
    ['a mute has ended', { mutedUntil: at(8) }, {}, 9, true],
    ['another message was sent three minutes ago', {}, { lastSentAt: at(6) }, 9, false],
    ['another message was sent five minutes ago', {}, { lastSentAt: at(4) }, 9, true],
    ['the channel failed, and is tried again later', {}, { retryAt: at(10) }, 9, false],
    ['pending', { state: 'pending', openedAt: null }, {}, 9, false],
    ['closed without a message', { state: 'closed', closedAt: at(1) }, {}, 9, false],
    ['recovered', { state: 'closed', closedAt: at(1), sent: ['slack opened'] }, {}, 9, true],
    [
      'recovered and said',
      { state: 'closed', closedAt: at(1), sent: ['slack opened', 'slack recovered'] },
      {},
      9,
      false,
    ],
  ]
  for (const [name, alert, state, minute, due] of cases) {
    const digest = planDigest(channel(state), [store({ id: 1, ...alert })], at(minute))
    assert.equal(digest !== null, due, name)
  }
})

test('two hundred late sources are one message, which says what to do and where', () => {
  const late = Array.from({ length: 200 }, (_, index) =>
    store({ id: index, ...cause('late', `shop-${index}`) }),
  )
  const held = store({ id: 500, ...cause('held', 'books'), run: 7 })
  const digest = planDigest(channel(), [...late, held], at(1))
  assert.ok(digest)
  const { title, sections } = writeDigest(digest, 'https://sync.example')
  assert.equal(title, 'Shelfsync: 201 new alerts')
  const lines = sections.flat()
  assert.equal(lines.length, 14)
  assert.deepEqual(lines[1], {
    text: 'shop-0: something is wrong',
    link: 'https://sync.example/sources/shop-0',
  })
  assert.deepEqual(lines[9], { text: 'and 192 more', link: 'https://sync.example/alerts' })
  assert.match(lines[10]?.text ?? '', /^To do: see what failed last/)
  assert.equal(lines[12]?.link, 'https://sync.example/runs/7')
})

test('the weekly note is due on Monday at 08:00 UTC, and names what is open, muted or acknowledged', () => {
  // 2 March 2026 is a Monday; `at(0)` is 09:00.
  const cases = [
    ['2026-03-02T07:59:00Z', '2026-02-27T00:00:00Z', false],
    ['2026-03-02T08:00:00Z', '2026-02-27T00:00:00Z', true],
    ['2026-03-05T12:00:00Z', '2026-02-27T00:00:00Z', true],
    ['2026-03-05T12:00:00Z', '2026-03-02T08:01:00Z', false],
    ['2026-03-08T23:00:00Z', '2026-03-02T08:01:00Z', false],
    ['2026-03-09T08:00:00Z', '2026-03-02T08:01:00Z', true],
  ] as const
  for (const [now, weekly, due] of cases)
    assert.equal(isWeeklyDue(channel({ weeklyAt: new Date(weekly) }), new Date(now)), due, now)

  const options = { webUrl: null, now: at(0) }
  const quiet = writeWeekly([], 12, options)
  assert.equal(quiet.title, 'Shelfsync: all is well this week')
  assert.equal(quiet.sections.flat()[0]?.text, 'No alert is open. 12 sources are watched.')
  const muted = store({ id: 1, mutedUntil: new Date('2026-04-01T00:00:00Z') })
  const known = store({ id: 2, ...cause('held', 'books'), acknowledgedBy: 'ann' })
  const { title, sections } = writeWeekly([muted, known], 12, options)
  assert.equal(title, 'Shelfsync: 2 open alerts this week')
  assert.deepEqual(
    sections.flat().map(({ text }) => text),
    [
      'Late: shop: something is wrong (muted until 2026-04-01)',
      'Held: books: something is wrong (acknowledged by ann)',
      '12 sources are watched.',
    ],
  )
})

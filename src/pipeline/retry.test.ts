import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { SyncError } from '../core/errors.ts'
import { createLog } from '../telemetry/log.ts'
import { Outages } from '../telemetry/outages.ts'
import { createProgress, type Pause } from './context.ts'
import { withRetry, type Waiting } from './retry.ts'
import { DEFAULT_OPTIONS } from './options.ts'

const SILENT = createLog({ level: 'silent', secrets: [] })
const UNREACHABLE = new SyncError('db/unreachable', 'gone')

/** Waits that return at once and are recorded, with their reports. */
function open(
  retryWithinMs: number,
): Waiting & { readonly pauses: Pause[]; readonly waits: number[] } {
  const [pauses, waits]: [Pause[], number[]] = [[], []]
  return {
    pauses,
    waits,
    options: {
      ...DEFAULT_OPTIONS,
      retryWithinMs,
      backOff: { baseMs: 100, maxMs: 1000 },
      wait: (ms) => Promise.resolve(void waits.push(ms)),
    },
    progress: createProgress(),
    log: SILENT,
    outages: new Outages(SILENT),
    signal: new AbortController().signal,
    onPause: (pause) => pauses.push(pause),
  }
}

test('the duration of a failed attempt counts as waiting, unless it made progress', async () => {
  const waiting = open(60_000)
  let attempts = 0
  await withRetry(waiting, 'work', async () => {
    await turn()
    if (++attempts === 2) waiting.progress.counts.unchanged += 1
    if (attempts < 4) throw UNREACHABLE
  })
  assert.deepEqual(
    waiting.pauses.map(({ code, triedMs }) => [code, triedMs > 0]),
    [
      ['db/unreachable', true],
      ['db/unreachable', false],
      ['db/unreachable', true],
    ],
  )
})

test('an outage causes one warning at its beginning and one at its end', async () => {
  const lines: string[] = []
  const destination = { write: (line: string) => lines.push(line) }
  const log = createLog({ level: 'warn', secrets: [], destination })
  let attempts = 0
  await withRetry({ ...open(60_000), log, outages: new Outages(log) }, 'work', async () => {
    await turn()
    if (++attempts < 6) throw UNREACHABLE
  })
  const messages = lines.map((line) => (JSON.parse(line) as { message: string }).message)
  assert.match(messages[0] ?? '', /^The database is unreachable: gone\. Check DATABASE_URL/)
  assert.match(messages[1] ?? '', /^The database is reachable again after \d/)
  assert.equal(messages.length, 2)
})

test('retrying ends after a time without progress, and progress starts that time again', async () => {
  const waiting = open(1)
  let attempts = 0
  const work = async (): Promise<never> => {
    await turn()
    if (++attempts < 5) waiting.progress.fetchedLines += 1
    throw UNREACHABLE
  }
  await assert.rejects(withRetry(waiting, 'work', work), UNREACHABLE)
  // Each of the four attempts with progress waits like a first one; the fifth made none.
  assert.equal(attempts, 5)
  assert.ok(
    waiting.waits.every((ms) => ms <= 100),
    String(waiting.waits),
  )
})

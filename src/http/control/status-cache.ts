// The status as many may read it at once. It comes from the database, but at most twice a second
// and never twice at a time: everybody who asks meanwhile gets the text that there is, so a
// thousand readers a second cost the database what one does, and none waits for it.

import type { Db } from '../../db/pool.ts'
import { loadStanding } from '../../db/read/status.ts'
import { redactJson } from '../../telemetry/log.ts'
import type { Redactor } from '../../telemetry/redact.ts'
import { Calendar } from '../../sources/due.ts'
import { RESPONSE_MS, withDeadline } from '../server/deadline.ts'
import { createSpeedometer, type ThroughputMeter } from './throughput.ts'
import { describeStatus, linesDone } from './status.ts'

/** From this age on an answer is read anew. */
const FRESH_MS = 500
/**
 * Until this age the old answer is given while the new one is read: to wait for a busy database
 * would be worse than half a second.
 */
const STALE_MS = 1000

export interface StatusCache {
  /**
   * The JSON of one source's status, or with null of all. After a failure it is read anew. @throws
   * SyncError `source/unknown` · `db/…`
   */
  read(source: string | null): Promise<string>
}

interface Answer {
  readonly json: string
  readonly readAtMs: number
}

export interface StatusBoardOptions {
  readonly db: Db
  readonly redact: Redactor
  readonly nowMs: () => number
  /** How long a reading may take. Default 5,000. */
  readonly responseMs?: number
}

export function createStatusBoard({
  db,
  redact,
  nowMs,
  responseMs = RESPONSE_MS,
}: StatusBoardOptions): StatusCache {
  const answers = new Map<string | null, Answer>()
  const readings = new Map<string | null, Promise<string>>()
  const speedometers = new Map<string | null, ThroughputMeter>()
  const calendar = new Calendar()

  const speedometerOf = (source: string | null): ThroughputMeter => {
    const speedometer = speedometers.get(source) ?? createSpeedometer()
    speedometers.set(source, speedometer)
    return speedometer
  }
  const load = async (source: string | null): Promise<string> => {
    const { run, sources } = await loadStanding(db, source, responseMs)
    const sight =
      run?.state === 'running'
        ? { run: run.run, linesDone: linesDone(run), atMs: run.measuredAt.getTime() }
        : null
    const perSecond = sight && speedometerOf(source)(sight)
    const status = describeStatus(run, sources, perSecond, calendar, new Date(nowMs()))
    return redactJson(status, redact)
  }

  const readOnce = (source: string | null): Promise<string> => {
    const under = readings.get(source)
    if (under) return under
    const reading = withDeadline(load(source), responseMs)
      .then((json) => {
        answers.set(source, { json, readAtMs: nowMs() })
        return json
      })
      .finally(() => readings.delete(source))
    readings.set(source, reading)
    return reading
  }

  return {
    async read(source) {
      const { json, readAtMs } = answers.get(source) ?? { json: '', readAtMs: -Infinity }
      const ageMs = nowMs() - readAtMs
      if (ageMs < FRESH_MS) return json
      const reading = readOnce(source)
      if (ageMs >= STALE_MS) return reading
      // Whoever asks next hears of a failure.
      reading.catch(() => undefined)
      return json
    },
  }
}

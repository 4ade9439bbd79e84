// The status as many may read it at once. It comes from the database, but at most twice a second and never twice at a time: everybody
// who asks meanwhile gets the same text, so a thousand readers a second cost the database what one does.

import type { Db } from '../db/pool.ts'
import { loadStanding } from '../db/status.ts'
import { redactValue } from '../node/log.ts'
import type { Redactor } from '../node/redact.ts'
import { createSpeedometer, type Speedometer } from './speed.ts'
import { describeStatus, linesDone } from './status.ts'

/** How old an answer may be. */
const AGE_MS_MAX = 500

export interface StatusBoard {
  /** The JSON of one source's status, or with null of all. @throws SyncError `source/unknown` · `db/…` */
  read(source: string | null): Promise<string>
}

interface Reading {
  readonly json: Promise<string>
  /** Null while it is being read. */
  readAtMs: number | null
}

export interface StatusBoardOptions {
  readonly db: Db
  readonly redact: Redactor
  readonly nowMs: () => number
}

export function createStatusBoard({ db, redact, nowMs }: StatusBoardOptions): StatusBoard {
  const readings = new Map<string | null, Reading>()
  const speedometers = new Map<string | null, Speedometer>()

  const speedometerOf = (source: string | null): Speedometer => {
    const speedometer = speedometers.get(source) ?? createSpeedometer()
    speedometers.set(source, speedometer)
    return speedometer
  }
  const load = async (source: string | null): Promise<string> => {
    const { run, sources } = await loadStanding(db, source)
    const sight = run?.state === 'running' ? { run: run.run, linesDone: linesDone(run), atMs: run.measuredAt.getTime() } : null
    const perSecond = sight && speedometerOf(source)(sight)
    const status = describeStatus(run, sources, perSecond, new Date(nowMs()))
    return JSON.stringify(redactValue(JSON.parse(JSON.stringify(status)), redact))
  }

  return {
    read(source) {
      const known = readings.get(source)
      if (known && (known.readAtMs === null || nowMs() - known.readAtMs < AGE_MS_MAX)) return known.json
      const reading: Reading = { json: load(source), readAtMs: null }
      readings.set(source, reading)
      reading.json.then(
        () => (reading.readAtMs = nowMs()),
        () => readings.delete(source),
      )
      return reading.json
    },
  }
}

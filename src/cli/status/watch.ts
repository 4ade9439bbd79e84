// `shelfsync status --watch`: the overview, live. A terminal is redrawn in place, a pipe gets a
// line for each source whose state changes, and with --json one object for each of them.

import { Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { ERRORS } from '../../core/error-table.ts'
import { SyncError } from '../../core/errors.ts'
import { HEALTH_STATES } from '../../core/source-health.ts'
import { toSyncError } from '../../db/errors.ts'
import {
  listSourceHealths,
  type HealthTools,
  type JudgedSource,
} from '../../sources/source-healths.ts'
import { NO_SOURCES, type Cli } from '../cli.ts'
import { formatInstant } from '../../format/format.ts'
import { formatQuantity, formatRelative } from '../../lib/words.ts'
import { TerminalBars } from '../terminal/bars.ts'
import { formatTable } from '../terminal/table.ts'
import { compareHealth, toStatusHealth } from './list-statuses.ts'

const EVERY_MS = 2000
/** Rows and columns of a terminal that does not report its size. */
const DEFAULT_ROWS = 24
const DEFAULT_COLUMNS = 80

type Watcher = Pick<Cli, 'output'>

export interface WatchOptions {
  /** One source, or null for all. */
  readonly name: string | null
  readonly signal: AbortSignal
}

/** Shows the sources that have changed since the call before, or all of them. */
type Show = (sources: readonly JudgedSource[], now: Date) => void

/**
 * Shows the sources until `signal` aborts. After the first read, an outage of the database is
 * waited out.
 */
export async function watchStatuses(
  cli: Watcher,
  tools: HealthTools,
  { name, signal }: WatchOptions,
): Promise<void> {
  const { stdout, json } = cli.output
  const isDrawn = !json && stdout.isTTY === true && stdout instanceof Writable
  const bars = isDrawn ? new TerminalBars(stdout) : null
  const show = bars === null ? createLines(cli) : createDrawing(cli, bars)
  try {
    let isFirst = true
    let isDown = false
    while (!signal.aborted) {
      try {
        const now = new Date()
        const sources = await listSourceHealths(tools, {
          sources: name === null ? null : [name],
          now,
        })
        show(sources.toSorted(compareHealth), now)
        isDown = false
      } catch (thrown) {
        const error = toSyncError(thrown)
        if (isFirst || !(error instanceof SyncError) || ERRORS[error.code].action !== 'retry')
          throw error
        if (!isDown) cli.output.note(`${error.message}; trying again`)
        isDown = true
      }
      isFirst = false
      await delay(EVERY_MS, undefined, { signal }).catch(() => undefined)
    }
  } finally {
    bars?.end()
  }
}

/** Prints the sources that are new or have changed; the time alone changes nothing. */
function createLines(cli: Watcher): Show {
  const known = new Map<string, string>()
  return (sources, now) => {
    if (sources.length === 0 && known.size === 0) cli.output.say(NO_SOURCES)
    for (const { facts, health } of sources) {
      const { lastRun, heldRuns, openReviews } = facts
      const parts = health.parts.map(({ part, level }) => `${part} ${level}`)
      const key = JSON.stringify([
        health.state,
        parts,
        lastRun?.id,
        lastRun?.state,
        heldRuns,
        openReviews,
      ])
      if (known.get(facts.source) === key) continue
      known.set(facts.source, key)
      cli.output.result(
        { at: now, source: facts.source, ...toStatusHealth(health) },
        `${formatInstant(now)}  ${facts.source}  ${health.state}  ${cli.output.inLine(health.reason)}`,
      )
    }
  }
}

/** Draws as many sources as the terminal has room for, the worst first. */
function createDrawing(cli: Watcher, bars: TerminalBars): Show {
  const { output } = cli
  return (sources, now) => {
    const width = Number.isFinite(output.width) ? output.width - 1 : DEFAULT_COLUMNS
    const room = Math.max(3, (output.stdout.rows || DEFAULT_ROWS) - 3)
    const table = formatTable(
      ['source', 'state', 'next due', 'reason'],
      sources.map(({ facts, due, health }) => [
        facts.source,
        health.level === 'warning' ? `${health.state} !` : health.state,
        due?.at == null ? null : formatRelative(due.at, now),
        output.inLine(health.reason),
      ]),
      { width },
    ).split('\n')
    const rest = table.length - room
    bars.draw([
      formatTotals(sources, now),
      ...table.slice(0, room),
      ...(rest > 0 ? [`… and ${formatQuantity(rest, 'more line')}: shelfsync status --all`] : []),
      'Ctrl-C ends',
    ])
  }
}

/** `12 sources · 1 held · 2 late · 9 fresh · 07:31:20 UTC`. */
function formatTotals(sources: readonly JudgedSource[], now: Date): string {
  const states = HEALTH_STATES.flatMap((state) => {
    const count = sources.filter(({ health }) => health.state === state).length
    return count === 0 ? [] : [`${count} ${state}`]
  })
  const time = `${now.toISOString().slice(11, 19)} UTC`
  return [formatQuantity(sources.length, 'source'), ...states, time].join(' · ')
}

// `shelfsync status`: how every source stands, what is late and what waits for a person.

import type { Command } from 'commander'
import { listStatus, type SourceStatus } from '../db/read/listings.ts'
import { listSources, type Source } from '../db/sources.ts'
import { type Due, dueAt } from '../sources/due.ts'
import { type Cli, formatExamples, NO_SOURCES } from './cli.ts'
import { formatQuantity, formatRelative } from './format.ts'

export interface Standing extends SourceStatus {
  readonly state: Source['state']
  readonly connector: string
  readonly watermarkAt: Date | null
  readonly due: Due | null
}

export function addStatus(program: Command, cli: Cli): void {
  program
    .command('status')
    .description(
      'show how every source stands: products, last run, what is late and what waits for you',
    )
    .addHelpText(
      'after',
      formatExamples('shelfsync status', "shelfsync status --json | jq '.[] | select(.due.late)'"),
    )
    .action(async () => {
      await using tools = await cli.openSync()
      const now = new Date()
      const sources = new Map((await listSources(tools.db)).map((source) => [source.name, source]))
      const standings = (await listStatus(tools.db)).flatMap((status): Standing[] => {
        const source = sources.get(status.source)
        return source ? [standingOf(status, source, now)] : []
      })
      const { headings, rows } = statusTable(standings, now)
      cli.output.list(standings, headings, rows, NO_SOURCES)
      for (const line of standings.flatMap(waitingOf)) cli.output.say(line)
    })
}

function standingOf(status: SourceStatus, source: Source, now: Date): Standing {
  const due = source.state === 'active' ? dueAt(source.schedule, status.dueSinceAt, now) : null
  return {
    ...status,
    state: source.state,
    connector: source.connector,
    watermarkAt: source.watermarkAt,
    due,
  }
}

/** Most sources have no drafts, so these have a column only when there are any. */
export function statusTable(
  standings: readonly Standing[],
  now: Date,
): { headings: string[]; rows: (string | number | null)[][] } {
  const draft = standings.some(({ products }) => products.draft > 0) ? (['draft'] as const) : []
  const statuses = ['active', ...draft, 'unavailable', 'removed'] as const
  const rows = standings.map(
    ({ source, state, connector, products, lastRun, watermarkAt, due }) => {
      const next =
        state === 'paused'
          ? 'paused'
          : due && `${due.at ? formatRelative(due.at, now) : 'never'}${due.late ? ' (late)' : ''}`
      return [
        source,
        connector,
        ...statuses.map((status) => products[status]),
        lastRun && `${lastRun.id} ${lastRun.state}`,
        lastRun && formatRelative(lastRun.startedAt, now),
        watermarkAt && formatRelative(watermarkAt, now),
        next,
      ]
    },
  )
  return {
    headings: ['source', 'connector', ...statuses, 'last run', 'when', 'newest data', 'next due'],
    rows,
  }
}

/** What a person has to look at, each with the command that shows it. */
function waitingOf({
  source,
  heldRuns,
  openReviews,
  openQuarantine,
  latestCopy,
  removalsOff,
}: Standing): string[] {
  const waiting = heldRuns.map(
    (run) => `${source}: run ${run} is held; see shelfsync runs show ${run}`,
  )
  if (openReviews > 0)
    waiting.push(
      `${source}: ${formatQuantity(openReviews, 'held price')}; see shelfsync reviews --source ${source}`,
    )
  if (openQuarantine > 0)
    waiting.push(
      `${source}: ${formatQuantity(openQuarantine, 'record')} in quarantine; see shelfsync quarantine --source ${source}`,
    )
  if (removalsOff !== null) waiting.push(`${source}: removals are off: ${removalsOff}`)
  if (latestCopy?.error != null) {
    const held = latestCopy.run === null ? 'there is none yet' : `it holds run ${latestCopy.run}`
    waiting.push(`${source}: latest.ndjson could not be written (${held}): ${latestCopy.error}`)
  }
  return waiting
}

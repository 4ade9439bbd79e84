// The text of `shelfsync status`: a row for each source, and a line for each thing that is wrong
// with one.

import type { ImageCounts } from '../../db/read/images.ts'
import type { Due } from '../../sources/due.ts'
import { formatCount, formatQuantity, formatRelative } from '../../lib/words.ts'
import type { Others, SourceStatus } from './list-statuses.ts'

/** `9,960 other sources (9,900 succeeded, 60 running); …`, by the state of the newest run. */
export function formatOthers({ total, needing, isLowerBound, states }: Others): string {
  const counts = [...states]
    .filter(([, count]) => count > 0)
    .toSorted(([, a], [, b]) => b - a)
    .map(([state, count]) => `${formatCount(count)} ${state}`)
  const more =
    needing > 0
      ? `, ${isLowerBound ? 'at least ' : ''}${formatCount(needing)} of which need a person too`
      : ''
  return `${formatQuantity(total, 'other source')} (${counts.join(', ')})${more}; shelfsync status --all lists them`
}

/** Returns null if there is nothing to say: no image waits or has failed, or none is stored. */
export function formatImages(counts: ImageCounts, isOn: boolean): string | null {
  const { waiting, failed, flaggedHosts } = counts
  const open = isOn ? counts.new + waiting : waiting
  if (open + failed + flaggedHosts === 0) return null
  const flagged = flaggedHosts === 0 ? '' : `, ${formatQuantity(flaggedHosts, 'host')} flagged`
  return `images: ${formatCount(open)} waiting, ${formatCount(failed)} failed${flagged}; see shelfsync images`
}

/** Most sources have no drafts, so the column appears only if one has. */
export function toStatusTable(
  sources: readonly SourceStatus[],
  now: Date,
): { headings: string[]; rows: (string | number | null)[][] } {
  const extra = (['draft', 'filtered'] as const).filter((status) =>
    sources.some(({ products }) => products[status] > 0),
  )
  const statuses = ['active', ...extra, 'unavailable', 'removed'] as const
  return {
    headings: [
      'source',
      'state',
      'connector',
      ...statuses,
      'last run',
      'when',
      'newest data',
      'next due',
    ],
    rows: sources.map(({ products, lastRun, watermarkAt, health, ...source }) => [
      source.source,
      health.state,
      source.connector,
      ...statuses.map((status) => products[status]),
      lastRun && `${lastRun.id} ${lastRun.state}`,
      lastRun && formatRelative(lastRun.startedAt, now),
      watermarkAt && formatRelative(watermarkAt, now),
      source.state === 'paused' ? 'paused' : formatDue(source.due, now),
    ]),
  }
}

function formatDue(due: Due | null, now: Date): string | null {
  return due && `${due.at ? formatRelative(due.at, now) : 'never'}${due.late ? ' (late)' : ''}`
}

/** Lists what is wrong with a source, the worst first, each with the command that shows it. */
export function listIssues({ source, health }: SourceStatus): string[] {
  return health.parts
    .filter(({ level }) => level !== 'ok')
    .map(
      ({ reason, command }) => `${source}: ${reason}${command === null ? '' : `; see ${command}`}`,
    )
}

// The progress of a run: two bars on a terminal, a line every five seconds in a pipe, JSON lines
// with --json.

import { Writable } from 'node:stream'
import { OUTCOMES } from '../../core/ledger.ts'
import { formatDuration } from '../../lib/format-duration.ts'
import type { Progress } from '../../pipeline/context.ts'
import type { Output } from './output.ts'
import { formatBytes } from '../../format/format.ts'
import { formatCount } from '../../lib/words.ts'
import { TerminalBars } from './bars.ts'

const LINE_EVERY_MS = 5000
const DRAW_EVERY_MS = 100
const BAR_COLUMNS = 24

/**
 * Shows `progress` on standard error until the returned function is called, which removes the bars
 * from a terminal. With `bars` false, a terminal gets lines too.
 */
export function showProgress(
  output: Output,
  source: string,
  progress: Progress,
  { bars = true } = {},
): () => void {
  const { stderr } = output
  if (bars && !output.json && stderr.isTTY === true && stderr instanceof Writable)
    return drawBars(output, stderr, source, progress)
  const startedMs = performance.now()
  const report = (): void => {
    const seconds = (performance.now() - startedMs) / 1000
    if (output.json) output.noteJson({ source, ...toJson(progress), seconds: Math.round(seconds) })
    else output.note(`${source}: ${formatProgress(progress, seconds)}`)
  }
  const timer = setInterval(report, LINE_EVERY_MS)
  return () => clearInterval(timer)
}

function drawBars(
  output: Output,
  stream: Writable,
  source: string,
  progress: Progress,
): () => void {
  const bars = new TerminalBars(stream)
  const startedMs = performance.now()
  const draw = (): void => {
    const seconds = (performance.now() - startedMs) / 1000
    const total = findTotal(progress)
    const { fetchedLines, appliedLines } = progress
    bars.draw([
      `${source}  fetched ${formatBar(fetchedLines, total)} ${output.inLine(formatFetched(progress, seconds))}`,
      `${' '.repeat(source.length)}  applied ${formatBar(appliedLines, total)} ${formatApplied(progress, seconds)}`,
    ])
  }
  draw()
  const timer = setInterval(draw, DRAW_EVERY_MS)
  output.aboveBars = (text) => bars.print(text)
  return () => {
    clearInterval(timer)
    output.aboveBars = null
    bars.end()
  }
}

function formatBar(done: number, total: number | null): string {
  const filled = total === null ? 0 : Math.round((Math.min(done, total) / total) * BAR_COLUMNS)
  return '█'.repeat(filled) + '░'.repeat(BAR_COLUMNS - filled)
}

/**
 * Returns the number of lines: the supplier's count, or the lines fetched once the fetch is over.
 */
function findTotal({ expected, fetchedLines, phase }: Progress): number | null {
  if (phase === 'apply' || phase === 'settle' || phase === 'done') return Math.max(fetchedLines, 1)
  return expected === null ? null : Math.max(expected, fetchedLines, 1)
}

function formatFetched(progress: Progress, seconds: number): string {
  const { fetchedLines, fetchedBytes, waiting, phase } = progress
  if (waiting !== null) return waiting
  const rate = fetchedBytes > 0 && seconds > 0 ? ` · ${formatBytes(fetchedBytes / seconds)}/s` : ''
  return `${formatPortion(fetchedLines, findTotal(progress))} · ${formatBytes(fetchedBytes)}${phase === 'fetch' ? rate + formatTimeLeft(fetchedLines, findTotal(progress), seconds) : ''}`
}

function formatApplied(progress: Progress, seconds: number): string {
  const { appliedLines, counts, phase } = progress
  if (phase === 'settle') return 'settling …'
  const outcomes = OUTCOMES.filter((outcome) => counts[outcome] > 0).map(
    (outcome) => ` · ${outcome} ${formatCount(counts[outcome])}`,
  )
  const rate = appliedLines > 0 && seconds > 0 ? ` · ${formatCount(appliedLines / seconds)}/s` : ''
  return `${formatPortion(appliedLines, findTotal(progress))}${rate}${formatTimeLeft(appliedLines, findTotal(progress), seconds)}${outcomes.join('')}`
}

/** Formats both stages in one line, for a pipe. */
export function formatProgress(progress: Progress, seconds: number): string {
  return `${progress.waiting === null ? 'fetched ' : ''}${formatFetched(progress, seconds)}; applied ${formatApplied(progress, seconds)}`
}

function formatPortion(done: number, total: number | null): string {
  return total === null ? formatCount(done) : `${formatCount(done)} of ${formatCount(total)}`
}

function formatTimeLeft(done: number, total: number | null, seconds: number): string {
  if (total === null || done === 0 || done >= total || seconds < 1) return ''
  return ` · ${formatDuration(((total - done) * seconds) / done)} left`
}

function toJson({
  phase,
  expected,
  fetchedLines,
  fetchedBytes,
  appliedLines,
  counts,
  waiting,
}: Progress): Record<string, unknown> {
  return {
    phase,
    expected,
    fetched: fetchedLines,
    bytes: fetchedBytes,
    applied: appliedLines,
    ...counts,
    waiting,
  }
}

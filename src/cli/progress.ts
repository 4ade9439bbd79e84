// What a run shows while it works: two bars on a terminal, a line every five seconds in a pipe,
// JSON lines with --json. The numbers are the run's own; nothing is counted here.

import { Writable } from 'node:stream'
import { MultiBar } from 'cli-progress'
import { OUTCOMES } from '../core/ledger.ts'
import type { Progress } from '../pipeline/context.ts'
import type { Output } from './output.ts'
import { formatBytes, formatCount, formatDuration } from './format.ts'

const LINE_EVERY_MS = 5000
const DRAW_EVERY_MS = 100

/**
 * Shows `progress` on standard error until the returned function is called, which leaves nothing
 * behind on a terminal.
 */
export function showProgress(output: Output, source: string, progress: Progress): () => void {
  const { stderr } = output
  if (!output.json && stderr.isTTY === true && stderr instanceof Writable)
    return drawBars(output, stderr, source, progress)
  const startedMs = performance.now()
  const tell = (): void => {
    const seconds = (performance.now() - startedMs) / 1000
    if (output.json) output.noteJson({ source, ...toJson(progress), seconds: Math.round(seconds) })
    else output.note(`${source}: ${formatProgress(progress, seconds)}`)
  }
  const timer = setInterval(tell, LINE_EVERY_MS)
  return () => clearInterval(timer)
}

function drawBars(
  output: Output,
  stream: Writable,
  source: string,
  progress: Progress,
): () => void {
  const bars = new MultiBar({
    stream,
    format: '{name} {bar} {text}',
    barsize: 24,
    hideCursor: true,
    gracefulExit: false,
    clearOnComplete: true,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    autopadding: false,
  })
  const startedMs = performance.now()
  const fetched = bars.create(1, 0, { name: `${source}  fetched`, text: '' })
  const applied = bars.create(1, 0, { name: `${' '.repeat(source.length)}  applied`, text: '' })
  const draw = (): void => {
    const seconds = (performance.now() - startedMs) / 1000
    const total = totalOf(progress)
    for (const [bar, done, text] of [
      [fetched, progress.fetchedLines, output.inLine(fetchedText(progress, seconds))],
      [applied, progress.appliedLines, appliedText(progress, seconds)],
    ] as const) {
      bar.setTotal(total ?? Math.max(done, 1))
      bar.update(total === null ? 0 : Math.min(done, total), { text })
    }
  }
  draw()
  const timer = setInterval(draw, DRAW_EVERY_MS)
  output.aboveBars = (text) => bars.log(text)
  return () => {
    clearInterval(timer)
    output.aboveBars = null
    // Flushes what was said above the bars.
    bars.update()
    bars.stop()
  }
}

/**
 * How many lines there will be: what the supplier says, or what has arrived once the fetch is over.
 */
function totalOf({ expected, fetchedLines, phase }: Progress): number | null {
  if (phase === 'apply' || phase === 'settle' || phase === 'done') return Math.max(fetchedLines, 1)
  return expected === null ? null : Math.max(expected, fetchedLines, 1)
}

function fetchedText(progress: Progress, seconds: number): string {
  const { fetchedLines, fetchedBytes, waiting, phase } = progress
  if (waiting !== null) return waiting
  const rate = fetchedBytes > 0 && seconds > 0 ? ` · ${formatBytes(fetchedBytes / seconds)}/s` : ''
  return `${ofTotal(fetchedLines, totalOf(progress))} · ${formatBytes(fetchedBytes)}${phase === 'fetch' ? rate + eta(fetchedLines, totalOf(progress), seconds) : ''}`
}

function appliedText(progress: Progress, seconds: number): string {
  const { appliedLines, counts, phase } = progress
  if (phase === 'settle') return 'settling …'
  const outcomes = OUTCOMES.filter((outcome) => counts[outcome] > 0).map(
    (outcome) => ` · ${outcome} ${formatCount(counts[outcome])}`,
  )
  const rate = appliedLines > 0 && seconds > 0 ? ` · ${formatCount(appliedLines / seconds)}/s` : ''
  return `${ofTotal(appliedLines, totalOf(progress))}${rate}${eta(appliedLines, totalOf(progress), seconds)}${outcomes.join('')}`
}

/** Both in one line, for logs. */
export function formatProgress(progress: Progress, seconds: number): string {
  return `${progress.waiting === null ? 'fetched ' : ''}${fetchedText(progress, seconds)}; applied ${appliedText(progress, seconds)}`
}

function ofTotal(done: number, total: number | null): string {
  return total === null ? formatCount(done) : `${formatCount(done)} of ${formatCount(total)}`
}

function eta(done: number, total: number | null, seconds: number): string {
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

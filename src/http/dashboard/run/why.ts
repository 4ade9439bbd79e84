// Why a run is in its state, as text for every state: the event, and what comes next. Pure.

import { ERRORS, type ErrorCode } from '../../../core/error-table.ts'
import type { RunDetails } from '../../../db/read/run-summaries.ts'
import type { RunTimes } from '../../../db/read/run-times.ts'
import { formatQuantity } from '../../../lib/words.ts'
import type { NoticeTone } from '../parts/blocks.ts'
import type { RunProgress } from '../../control/run-progress.ts'

export interface Why {
  readonly tone: NoticeTone
  /** One sentence. */
  readonly what: string
  /** The causes, each as it was recorded. */
  readonly causes: readonly string[]
  /** The next step, or advice; null when nothing is left. */
  readonly next: string | null
}

export interface ExplainedRun {
  readonly run: RunDetails
  readonly times: RunTimes
  readonly progress: RunProgress
  /** The person who cancelled it; null when no action names one. */
  readonly cancelledBy: string | null
}

export function explainRun(explained: ExplainedRun): Why {
  const { run } = explained
  switch (run.state) {
    case 'running':
      return explainRunning(explained)
    case 'succeeded':
      return explainSucceeded(explained)
    case 'held':
      return explainHeld(explained)
    case 'failed':
      return explainError(run, 'bad', 'The run failed', 'The next run begins again.')
    case 'interrupted':
      return explainError(
        run,
        'warn',
        'The run stopped before its end',
        'The next sync resumes it from its last commit: nothing is lost and nothing is repeated.',
      )
    case 'fetched':
      return {
        tone: 'info',
        what: 'Everything is archived, and nothing is applied yet.',
        causes: toCauses(run.reason),
        next: 'The next sync of the source applies it.',
      }
    case 'partial':
      return {
        tone: 'info',
        what: 'Some lines were applied, as requested. A partial run does not settle.',
        causes: toCauses(run.reason),
        next: null,
      }
    case 'rejected':
      return explainRejected(explained)
    case 'superseded':
      return explainSuperseded(explained)
    case 'cancelled':
      return {
        tone: 'info',
        what: `${explained.cancelledBy ?? 'A person'} cancelled the run. Its committed records stay.`,
        causes: [],
        next: 'Another run of the source begins again.',
      }
  }
}

function explainRunning({ times, progress }: ExplainedRun): Why {
  const phases = {
    start: times.queued
      ? 'The run waits for a worker, or for the first response of the supplier.'
      : 'The run waits for the first response of the supplier.',
    fetch: 'The run archives what the supplier sends, and applies it meanwhile.',
    apply: 'Everything is archived. The rest is being applied.',
    settle: 'Everything is applied. The run is being settled.',
    done: 'The run is ending.',
  }
  return { tone: 'info', what: phases[progress.phase ?? 'start'], causes: [], next: null }
}

function explainSucceeded({ run, times }: ExplainedRun): Why {
  const approved = run.decision?.state === 'approved' ? ` after ${run.decision.by} approved it` : ''
  const off = run.removalsOff === null ? [] : [`No product was removed: ${run.removalsOff}`]
  return {
    tone: 'good',
    what: `Every line is accounted for, and ${formatQuantity(sum(run.changes), 'change')} ${sum(run.changes) === 1 ? 'is' : 'are'} published${approved}.`,
    causes: [...(times.review === null ? [] : toCauses(run.reason)), ...off],
    next: null,
  }
}

function explainHeld({ run }: ExplainedRun): Why {
  return {
    tone: 'warn',
    what: 'The run is held: its prices and removals wait for a person.',
    causes: toCauses(run.reason),
    next: 'Approve it if the supplier really changed this much; reject it if the data is wrong.',
  }
}

function explainRejected({ run }: ExplainedRun): Why {
  return {
    tone: 'bad',
    what: `${run.decision?.by ?? 'A person'} rejected the run: its prices, removals and changes were discarded.`,
    causes: toCauses(run.reason),
    next: null,
  }
}

function explainSuperseded({ run, times }: ExplainedRun): Why {
  const wasHeld = times.review !== null
  return {
    tone: 'info',
    what: wasHeld
      ? 'A newer run replaced this held run before a person had decided.'
      : 'A newer run replaced this one.',
    causes: toCauses(run.reason),
    next: null,
  }
}

function explainError(run: RunDetails, tone: NoticeTone, what: string, otherwise: string): Why {
  const code = run.errorCode
  return {
    tone,
    what: code === null ? `${what}.` : `${what}: ${code}.`,
    causes:
      run.reason === null
        ? ['The message has expired, as the licence of its source requires.']
        : [run.reason],
    next: code !== null && isErrorCode(code) ? ERRORS[code].hint : otherwise,
  }
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code)
}

/** The gate joins its causes with semicolons. */
function toCauses(reason: string | null): string[] {
  return reason === null ? [] : reason.split('; ')
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}

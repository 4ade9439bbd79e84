// The progress of a run while it is running: phase, bar, rate and remaining time, as the API
// reports them.

import type { RunSummary } from '../../../db/read/run-summaries.ts'
import type { RunLease } from '../../../db/read/run-times.ts'
import { formatCount } from '../../../lib/words.ts'
import { formatDuration } from '../../../lib/format-duration.ts'
import type { RunProgress } from '../../control/run-progress.ts'
import { html, type Html } from '../html.ts'
import { figures, progressBar } from '../parts/blocks.ts'

const PHASES = ['start', 'fetch', 'apply', 'settle'] as const
const PHASE_NAMES = { start: 'Start', fetch: 'Fetch', apply: 'Apply', settle: 'Settle' } as const

interface ShownProgress {
  readonly run: RunSummary
  readonly progress: RunProgress
  readonly leases: readonly RunLease[]
}

export function runProgress({ run, progress, leases }: ShownProgress): Html {
  const { phase, applied, total, perSecond, etaSeconds, fetched } = progress
  const done = run.options.stages === 'fetch' ? fetched : applied
  const reached = PHASES.findIndex((one) => one === phase)
  return html`<section class="run-progress" aria-label="Progress">
    <ol class="phases">
      ${PHASES.map(
        (one, index) =>
          html`<li class="${index < reached ? 'past' : index === reached ? 'present' : 'future'}">
            ${PHASE_NAMES[one]}${index === reached ? html`<span class="visually-hidden"> (now)</span>` : ''}
          </li>`,
      )}
    </ol>
    ${progressBar({
      label: 'Lines done',
      done,
      total,
      text:
        total === null
          ? `${formatCount(done)} lines, total unknown`
          : `${formatCount(done)} of ${formatCount(total)} lines`,
    })}
    ${figures([
      { label: 'Archived', value: `${formatCount(fetched)} lines` },
      { label: 'Rate', value: perSecond === null ? '–' : `${formatCount(perSecond)} lines/s` },
      {
        label: 'Remaining',
        value: etaSeconds === null ? 'unknown' : formatDuration(etaSeconds),
      },
      { label: 'Running for', value: formatDuration(run.seconds) },
      {
        label: 'Workers',
        value: leases.length === 0 ? 'none at the moment' : formatCount(countWorkers(leases)),
        about: leases.map(({ task }) => task).join(', '),
      },
    ])}
  </section>`
}

function countWorkers(leases: readonly RunLease[]): number {
  return new Set(leases.map(({ worker }) => worker)).size
}

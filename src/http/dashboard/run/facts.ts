// The facts of a run beside its charts: who started it, what it covers, and where to look
// further.

import type { RunDetails } from '../../../db/read/run-summaries.ts'
import type { RunTimes } from '../../../db/read/run-times.ts'
import { formatQuantity } from '../../../lib/words.ts'
import { formatDuration } from '../../../lib/format-duration.ts'
import { html, type Html } from '../html.ts'
import { facts } from '../parts/blocks.ts'
import { instant } from '../parts/values.ts'

export function runFacts(run: RunDetails, times: RunTimes): Html {
  const { decision } = run
  return facts([
    ['Source', html`<a href="/sources/${run.source}">${run.source}</a>`],
    ['Connector', times.connector],
    ['Covers', describeScope(run)],
    ['Started by', times.bySchedule ? 'the schedule of the source' : describeTrigger(run, times)],
    ['Started', instant(run.startedAt)],
    [
      'Ended',
      run.finishedAt && html`${instant(run.finishedAt)}, after ${formatDuration(run.seconds)}`,
    ],
    ['Decision', decision && html`${decision.state} by ${decision.by}, ${instant(decision.at)}`],
    ['Removals', run.removalsOff && `off: ${run.removalsOff}`],
    ['Held prices', run.heldPrices > 0 && heldPrices(run)],
    ['Executed by', times.queued ? 'workers of the queue' : 'one process'],
    ['Correlation id', html`<code>${run.correlationId}</code>`],
    ['Command', html`<code>shelfsync runs show ${run.id}</code>`],
  ])
}

function heldPrices({ source, heldPrices: count, heldProducts }: RunDetails): Html {
  const text = `${formatQuantity(count, 'price')} of ${formatQuantity(heldProducts, 'product')}`
  return html`<a href="/reviews?source=${source}">${text}</a>`
}

function describeScope({ kind, keyCount, sinceAt, artifactRun, options }: RunDetails): Html {
  const part =
    options.offset === undefined && options.limit === undefined
      ? ''
      : `, lines from ${(options.offset ?? 0) + 1}${options.limit === undefined ? '' : `, at most ${options.limit}`}`
  if (keyCount !== null) return html`${formatQuantity(keyCount, 'product')}`
  if (kind === 'replay')
    return html`the archive of <a href="/runs/${artifactRun}">run ${artifactRun}</a>${part}`
  if (sinceAt !== null) return html`changes since ${instant(sinceAt)}`
  return html`the whole catalogue${part}`
}

function describeTrigger({ options }: RunDetails, { queued }: RunTimes): string {
  if ('import' in options && options.import) return 'a request for products'
  return queued ? 'a request' : 'a command'
}

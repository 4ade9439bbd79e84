// The parts of the page of jobs.

import type {
  BusyWorker,
  DailyQuota,
  FailingHost,
  StoredBytes,
} from '../../../db/read/operation.ts'
import type { LimitState } from '../../../db/read/limits.ts'
import type { DeadLetter } from '../../../jobs/dead-letters.ts'
import type { DelayedTask, QueueDepth } from '../../../jobs/queue-depths.ts'
import type { ComponentHealth } from '../../control/operations.ts'
import { formatCount, formatNext, formatQuantity } from '../../../lib/words.ts'
import { html, type Html } from '../html.ts'
import type { User } from '../page.ts'
import { badge } from '../parts/badge.ts'
import { emptyState } from '../parts/blocks.ts'
import { actionForm } from '../parts/forms.ts'
import { table } from '../parts/table.ts'
import { bytes, count, percent, time } from '../parts/values.ts'

const QUEUE_NAMES: Readonly<Record<string, string>> = {
  fetch: 'Fetch',
  apply: 'Apply and settle',
  'import-fetch': 'Fetch of imports',
  'import-apply': 'Apply of imports',
}

export function depthTable(depths: readonly QueueDepth[]): Html {
  return table({
    caption: 'Tasks by queue',
    columns: [
      { label: 'Queue', isHeader: true, cell: ({ queue }) => QUEUE_NAMES[queue] ?? queue },
      { label: 'Active', kind: 'number', cell: ({ active }) => count(active) },
      { label: 'Waiting', kind: 'number', cell: ({ waiting }) => count(waiting) },
      { label: 'Later', kind: 'number', cell: ({ delayed }) => count(delayed) },
      { label: 'For other tasks', kind: 'number', cell: ({ blocked }) => count(blocked) },
      { label: 'Dead letters', kind: 'number', cell: ({ failed }) => count(failed) },
    ],
    rows: depths,
    empty: '',
  })
}

export function delayedTable(tasks: readonly DelayedTask[], now: Date): Html {
  return table({
    caption: 'Tasks that are tried again later',
    columns: [
      { label: 'Task', isHeader: true, cell: ({ id }) => id },
      { label: 'Source', cell: ({ source }) => source },
      { label: 'Run', cell: ({ run }) => html`<a href="/runs/${run}">${run}</a>` },
      { label: 'Attempts', kind: 'number', cell: ({ attempts }) => count(attempts) },
      { label: 'Next', cell: ({ nextAt }) => formatNext(nextAt, now) },
      { label: 'Why', cell: ({ reason }) => reason ?? 'another worker had the task' },
    ],
    rows: tasks,
    empty: html`<p class="quiet">No task waits for another attempt.</p>`,
  })
}

export function deadLetterTable(letters: readonly DeadLetter[], user: User, nowMs: number): Html {
  return table({
    caption: 'Dead letters',
    columns: [
      { label: 'Task', isHeader: true, cell: ({ id }) => id },
      { label: 'Source', cell: ({ source }) => source },
      { label: 'Run', cell: ({ run }) => html`<a href="/runs/${run}">${run}</a>` },
      { label: 'Attempts', kind: 'number', isMinor: true, cell: ({ attempts }) => count(attempts) },
      { label: 'Failed', cell: ({ failedAt }) => time(failedAt, nowMs) },
      { label: 'Why', cell: ({ reason }) => html`<span class="reason">${reason}</span>` },
      {
        label: 'Decide',
        kind: 'actions',
        cell: ({ id, run }) =>
          html`${actionForm({ user, action: '/jobs/retry', label: 'Retry', icon: 'retry', values: { id } })}${actionForm(
            {
              user,
              action: '/jobs/discard',
              label: 'Discard',
              values: { id },
              confirm: {
                question: `Discard ${id}?`,
                detail: html`<p>Run ${run} stays as it is, and this task is not tried again.</p>`,
              },
            },
          )}`,
      },
    ],
    rows: letters,
    empty: emptyState({
      title: 'No dead letter',
      about: 'No task has failed permanently.',
      icon: 'check',
    }),
  })
}

export function limitTable(limits: readonly LimitState[], user: User, now: Date): Html {
  return table({
    caption: 'Circuit breakers and limits that affect requests now',
    columns: [
      {
        label: 'Name',
        isHeader: true,
        cell: ({ scope, key }) => html`${key} <span class="quiet">${scope}</span>`,
      },
      {
        label: 'Breaker',
        cell: ({ state }) => badge(state, state === 'open' ? { tone: 'bad', icon: 'cross' } : {}),
      },
      {
        label: 'Why',
        cell: ({ reason, failures }) =>
          reason === null
            ? ''
            : html`${reason}
                <span class="quiet">${formatQuantity(failures, 'failure')} in a row</span>`,
      },
      { label: 'Since', isMinor: true, cell: ({ openedAt }) => time(openedAt, now.getTime()) },
      {
        label: 'Next request',
        cell: ({ nextAt, state }) =>
          html`${nextAt === null ? 'now' : formatNext(nextAt, now)}${state === 'open' ? html` <span class="quiet">a test</span>` : ''}`,
      },
      { label: 'Today', kind: 'number', isMinor: true, cell: ({ usedToday }) => count(usedToday) },
      {
        label: 'Reset',
        kind: 'actions',
        cell: ({ scope, key, state }) =>
          state === 'closed'
            ? ''
            : actionForm({
                user,
                action: '/jobs/reset',
                label: 'Reset',
                values: { scope, key },
                confirm: {
                  question: `Close the circuit breaker of ${key}?`,
                  detail: html`<p>
                    The next request is sent at once. The quota of the day stays used.
                  </p>`,
                },
              }),
      },
    ],
    rows: limits,
    empty: html`<p class="quiet">No limit and no circuit breaker delays a request.</p>`,
  })
}

export function quotaTable(quotas: readonly DailyQuota[], now: Date): Html {
  return table({
    caption: 'Daily quotas',
    columns: [
      { label: 'Source', isHeader: true, cell: ({ source }) => source },
      {
        label: 'Used today',
        kind: 'number',
        cell: ({ used, perDay }) => `${formatCount(used)} of ${formatCount(perDay)}`,
      },
      { label: 'Share', kind: 'number', cell: ({ used, perDay }) => percent(used / perDay) },
      {
        label: 'Kept for imports',
        kind: 'number',
        isMinor: true,
        cell: ({ reserved }) => percent(reserved, 0),
      },
      { label: 'Begins again', cell: ({ resetsAt }) => formatNext(resetsAt, now) },
    ],
    rows: quotas,
    empty: html`<p class="quiet">No supplier limits the requests of a day.</p>`,
  })
}

export function hostTable(hosts: readonly FailingHost[], now: Date): Html {
  return table({
    caption: 'Hosts that fail',
    columns: [
      {
        label: 'Of',
        isHeader: true,
        cell: ({ subject, kind }) => html`${subject} <span class="quiet">${kind}</span>`,
      },
      { label: 'Failures', kind: 'number', cell: ({ failures }) => count(failures) },
      { label: 'Why', cell: ({ reason }) => reason ?? '' },
      { label: 'Since', cell: ({ sinceAt }) => time(sinceAt, now.getTime()) },
      {
        label: 'Next',
        cell: ({ nextAt }) => (nextAt === null ? 'at any time' : formatNext(nextAt, now)),
      },
    ],
    rows: hosts,
    empty: html`<p class="quiet">Every host responds.</p>`,
  })
}

export function healthTable(health: readonly ComponentHealth[]): Html {
  return table({
    caption: 'Health of the components',
    columns: [
      { label: 'Component', isHeader: true, cell: ({ component }) => component },
      { label: 'State', cell: ({ ok }) => badge(ok ? 'ok' : 'failing') },
      { label: 'Detail', cell: ({ detail }) => detail },
      { label: 'Took', kind: 'number', cell: ({ latencyMs }) => `${Math.round(latencyMs)} ms` },
    ],
    rows: health,
    empty: '',
  })
}

export function workerTable(workers: readonly BusyWorker[]): Html {
  return table({
    caption: 'Workers with a task',
    columns: [
      { label: 'Worker', isHeader: true, cell: ({ worker }) => worker },
      { label: 'Tasks', kind: 'number', cell: ({ tasks }) => count(tasks) },
      {
        label: 'Runs',
        cell: ({ runs }) => html`${runs.map((run) => html`<a href="/runs/${run}">${run}</a> `)}`,
      },
    ],
    rows: workers,
    empty: html`<p class="quiet">No worker has a task at the moment.</p>`,
  })
}

export function storageTable(stored: readonly StoredBytes[]): Html {
  return table({
    caption: 'Storage used',
    columns: [
      { label: 'Source', isHeader: true, cell: ({ source }) => source ?? 'All' },
      { label: 'Artifacts', kind: 'number', cell: ({ artifacts }) => bytes(artifacts) },
      { label: 'Parts', kind: 'number', isMinor: true, cell: ({ parts }) => count(parts) },
      { label: 'Images', kind: 'number', cell: ({ images }) => bytes(images) },
      {
        label: 'Image files',
        kind: 'number',
        isMinor: true,
        cell: ({ imageFiles }) => count(imageFiles),
      },
      { label: 'Database', kind: 'number', cell: ({ database }) => bytes(database) },
    ],
    rows: stored,
    empty: '',
  })
}

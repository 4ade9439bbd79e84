// Writes docs/metrics.md and the alert rules of Prometheus from the table of metrics.

import { METRICS, type Metric } from '../src/telemetry/metrics-table.ts'
import { markdownTable, writeGenerated } from './support/generated.ts'

const metrics = Object.entries<Metric>(METRICS)

const SCOPES: Readonly<Record<Metric['scope'], readonly string[]>> = {
  system: [
    '## Of the whole system',
    '',
    'Read from the database or the queue when somebody asks, every ten seconds at most, and reported by orchestrators only. Each says the same: with more than one, take',
    '`max by` of the labels below, never a sum. A restart forgets nothing, and what a worker did stays when it has stopped. Counters never fall, except',
    'that a removed source takes its series with it.',
  ],
  process: [
    '## Of each process',
    '',
    'Counted since the process started: add them up over processes. Those of Node itself (`process_…`, `nodejs_…`) stand beside them.',
  ],
}

function metricsPage(): string {
  const lines = [
    '# Metrics',
    '',
    '`GET /metrics` of every process, in the text format of Prometheus. No label holds an id, an address or a key: it says one of the words below, or',
    'a name that you chose. What cannot be read just now is missing, and never old: see `shelfsync_collect_failures_total`.',
    'This page and the alert rules in `deploy/prometheus/alerts.yml` are written by `scripts/write-metrics-docs.ts` from `src/telemetry/metrics-table.ts`.',
  ]
  for (const [scope, introduction] of Object.entries(SCOPES)) {
    const rows = metrics
      .filter(([, metric]) => metric.scope === scope)
      .map(([name, { type, labels, help, alert }]) => [
        `\`${name}\``,
        type,
        wordsOf(labels),
        help,
        alert
          ? `\`${alert.when}\`${alert.forMinutes > 0 ? ` for ${alert.forMinutes} min` : ''}`
          : '',
      ])
    lines.push(
      '',
      ...introduction,
      '',
      ...markdownTable(['metric', 'type', 'labels', 'meaning', 'alert'], rows),
    )
  }
  return `${lines.join('\n')}\n`
}

function wordsOf(labels: Metric['labels']): string {
  return Object.entries(labels)
    .map(([label, words]) => `\`${label}\`${words === 'name' ? '' : `: ${words.join(', ')}`}`)
    .join('; ')
}

function alertRules(): string {
  const lines = [
    '# Written by scripts/write-metrics-docs.ts from src/telemetry/metrics-table.ts.',
    'groups:',
    '  - name: shelfsync',
    '    rules:',
  ]
  for (const [name, { alert }] of metrics) {
    if (!alert) continue
    lines.push(
      `      - alert: ${name.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())}`,
      `        expr: ${JSON.stringify(alert.when)}`,
      `        for: ${alert.forMinutes}m`,
      '        annotations:',
      `          summary: ${JSON.stringify(alert.summary)}`,
    )
  }
  return `${lines.join('\n')}\n`
}

await writeGenerated({
  'docs/metrics.md': metricsPage(),
  'deploy/prometheus/alerts.yml': alertRules(),
})

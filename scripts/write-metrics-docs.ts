// Writes docs/metrics.md and the alert rules of Prometheus from the table of metrics.

import type { Metric } from '../src/telemetry/metric.ts'
import { METRICS } from '../src/telemetry/metrics-table.ts'
import { formatTable, writeGenerated } from './support/generated.ts'

const metrics = Object.entries<Metric>(METRICS)

const SCOPES: Readonly<Record<Metric['scope'], readonly string[]>> = {
  system: [
    '## System metrics',
    '',
    'Orchestrators read these metrics from the database and the queue, at most every ten seconds. Every orchestrator reports the same',
    'values: with more than one, aggregate with `max by`, never with `sum`. A restart does not reset them. Counters never fall, except',
    'that the series of a removed source disappear.',
  ],
  process: [
    '## Process metrics',
    '',
    'Each process counts these metrics since it started: aggregate them with `sum`. The metrics of Node.js (`process_…`, `nodejs_…`)',
    'are exported too.',
  ],
}

function formatPage(): string {
  const lines = [
    '# Metrics',
    '',
    'Every process exports metrics at `GET /metrics` in the Prometheus text format. Label values are listed below or are names that you',
    'chose; they never contain an id, an address or a key. A metric that cannot be read is absent, never stale: see',
    '`shelfsync_collect_failures_total`.',
    '`scripts/write-metrics-docs.ts` writes this page and the alert rules in `deploy/prometheus/alerts.yml` from `src/telemetry/metrics-table.ts`.',
  ]
  for (const [scope, introduction] of Object.entries(SCOPES)) {
    const rows = metrics
      .filter(([, metric]) => metric.scope === scope)
      .map(([name, { type, labels, help, alert }]) => [
        `\`${name}\``,
        type,
        formatLabels(labels),
        help,
        alert
          ? `\`${alert.when}\`${alert.forMinutes > 0 ? ` for ${alert.forMinutes} min` : ''}`
          : '',
      ])
    lines.push(
      '',
      ...introduction,
      '',
      ...formatTable(['metric', 'type', 'labels', 'description', 'alert'], rows),
    )
  }
  return `${lines.join('\n')}\n`
}

function formatLabels(labels: Metric['labels']): string {
  return Object.entries(labels)
    .map(([label, words]) => `\`${label}\`${words === 'name' ? '' : `: ${words.join(', ')}`}`)
    .join('; ')
}

function formatAlertRules(): string {
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
  'docs/metrics.md': formatPage(),
  'deploy/prometheus/alerts.yml': formatAlertRules(),
})

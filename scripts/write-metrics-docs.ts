// Writes docs/metrics.md and the alert rules of Prometheus from the table of metrics.

import { METRICS, type Metric } from '../src/telemetry/metrics-table.ts'
import { markdownTable, writeGenerated } from './support/generated.ts'

const metrics = Object.entries<Metric>(METRICS)

const SCOPES: Readonly<Record<Metric['scope'], readonly string[]>> = {
  system: [
    '## Metrics of the whole system',
    '',
    'Only orchestrators report these. They read them from the database or the queue on request, at most every ten seconds. All orchestrators report the same values: with more',
    'than one, use `max by` with the labels below, never a sum. The values survive restarts and the end of a worker. Counters never fall, but the series of a removed source',
    'disappear.',
  ],
  process: [
    '## Metrics of each process',
    '',
    'These are counted since the start of the process: add them up over all processes. The metrics of Node itself (`process_…`, `nodejs_…`) are not listed here.',
  ],
}

function formatPage(): string {
  const lines = [
    '# Metrics',
    '',
    '`GET /metrics` of every process returns its metrics in the text format of Prometheus. A label is one of the values below or a name that you chose, never an id, an address or a key.',
    'A metric that cannot be read at the moment is missing, not outdated: see `shelfsync_collect_failures_total`.',
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
      ...markdownTable(['metric', 'type', 'labels', 'meaning', 'alert'], rows),
    )
  }
  return `${lines.join('\n')}\n`
}

function formatLabels(labels: Metric['labels']): string {
  return Object.entries(labels)
    .map(([label, words]) => `\`${label}\`${words === 'name' ? '' : `: ${words.join(', ')}`}`)
    .join('; ')
}

function formatAlerts(): string {
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
  'deploy/prometheus/alerts.yml': formatAlerts(),
})

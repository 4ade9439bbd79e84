// Writes docs/metrics.md and the alert rules of Prometheus from the table of metrics.

import type { Metric } from '../src/telemetry/metric.ts'
import { ALERT_RULES, type AlertRule } from '../src/telemetry/alert-rules.ts'
import { METRICS } from '../src/telemetry/metrics-table.ts'
import { formatTable, writeGenerated } from './support/generated.ts'

const metrics = Object.entries<Metric>(METRICS)
const rules = Object.entries<AlertRule>(ALERT_RULES)

/** The external label of Prometheus, or the address on this machine. */
const DASHBOARD_URL =
  '{{ with $externalLabels.shelfsync_url }}{{ . }}{{ else }}http://localhost:3000{{ end }}'

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
    'The dashboard for Grafana in `deploy/grafana/shelfsync.json` shows them; import it and select your Prometheus.',
  ]
  for (const [scope, introduction] of Object.entries(SCOPES)) {
    const rows = metrics
      .filter(([, metric]) => metric.scope === scope)
      .map(([name, { type, labels, help }]) => [
        `\`${name}\``,
        type,
        formatLabels(labels),
        help,
        listRulesOn(name)
          .map((rule) => `[${rule}](#${rule.toLowerCase()})`)
          .join(', '),
      ])
    lines.push(
      '',
      ...introduction,
      '',
      ...formatTable(['metric', 'type', 'labels', 'description', 'alerts'], rows),
    )
  }
  lines.push(...formatRules())
  return `${lines.join('\n')}\n`
}

function formatLabels(labels: Metric['labels']): string {
  return Object.entries(labels)
    .map(([label, words]) => `\`${label}\`${words === 'name' ? '' : `: ${words.join(', ')}`}`)
    .join('; ')
}

function listRulesOn(metric: string): string[] {
  const named = new RegExp(`\\b${metric}\\b`)
  return rules.filter(([, { when }]) => named.test(when)).map(([name]) => name)
}

function formatRules(): string[] {
  return [
    '',
    '## Alerts',
    '',
    'The rules are in `deploy/prometheus/alerts.yml`. Each has the label `severity` (`page`: act now; `ticket`: within a day) and the',
    'annotations `summary`, `action` and `link`, a page of the dashboard. Set the external label `shelfsync_url` of Prometheus to its address:',
    '',
    '```yaml',
    'global:',
    '  external_labels:',
    '    shelfsync_url: https://shelfsync.example',
    'rule_files:',
    '  - alerts.yml',
    '```',
    ...rules.flatMap(([name, { when, forMinutes, severity, summary, action }]) => [
      '',
      `### ${name}`,
      '',
      `\`${severity}\`${forMinutes > 0 ? `, after ${forMinutes} minutes` : ''}. ${showLabels(summary)} ${showLabels(action)}`,
      '',
      '```promql',
      when,
      '```',
    ]),
  ]
}

/** Shows `{{ $labels.source }}` as `SOURCE`. */
function showLabels(text: string): string {
  return text
    .replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => label.toUpperCase())
    .replaceAll(/\{\{ \$value[^}]*\}\}/g, 'VALUE')
}

function formatAlertRules(): string {
  const lines = [
    '# Written by scripts/write-metrics-docs.ts from src/telemetry/alert-rules.ts.',
    'groups:',
    '  - name: shelfsync',
    '    rules:',
    ...rules.flatMap(([name, { when, forMinutes, severity, summary, action, page }]) => [
      `      - alert: ${name}`,
      `        expr: ${JSON.stringify(when)}`,
      `        for: ${forMinutes}m`,
      '        labels:',
      `          severity: ${severity}`,
      '        annotations:',
      `          summary: ${JSON.stringify(summary)}`,
      `          action: ${JSON.stringify(action)}`,
      `          link: ${JSON.stringify(`${DASHBOARD_URL}${page}`)}`,
    ]),
  ]
  return `${lines.join('\n')}\n`
}

await writeGenerated({
  'docs/metrics.md': formatPage(),
  'deploy/prometheus/alerts.yml': formatAlertRules(),
})

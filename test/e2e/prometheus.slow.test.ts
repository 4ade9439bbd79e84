// The metrics, alert rules and dashboard as Prometheus reads them: `promtool` of Debian's package
// `prometheus` checks the exposition and executes every rule.

import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { stringify } from 'yaml'
import { ROLES, type Role } from '../../src/core/roles.ts'
import { recordAction } from '../../src/db/write/actions.ts'
import { ALERT_RULES, type AlertRule, type AlertRuleName } from '../../src/telemetry/alert-rules.ts'
import type { Metric } from '../../src/telemetry/metric.ts'
import { METRICS } from '../../src/telemetry/metrics-table.ts'
import { ALERT_CASES, type AlertCase } from '../support/alert-cases.ts'
import { listSeries } from '../support/exposition.ts'
import { addManySources } from '../support/many-sources.ts'
import { openFleet } from './fleet.ts'

const RULES = fileURLToPath(new URL('../../deploy/prometheus/alerts.yml', import.meta.url))
const DASHBOARD = fileURLToPath(new URL('../../deploy/grafana/shelfsync.json', import.meta.url))
/** Cases that take longer are evaluated every ten minutes. */
const LONG_MINUTES = 300
const NO_FAULT = { code: 0, text: '' }
/** Metrics of the system whose series appear with their cause. */
const WITHOUT_CAUSE: readonly string[] = [
  'shelfsync_failing_runs',
  'shelfsync_active_run_records',
  'shelfsync_removals_off',
  'shelfsync_run_duration_seconds',
]
const URL_LABEL = 'https://shelfsync.example'
const skip = hasPromtool() ? false : 'promtool is missing: apt-get install prometheus'

function hasPromtool(): boolean {
  try {
    execFileSync('promtool', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Returns the exit code and everything that promtool wrote. */
function runPromtool(
  args: readonly string[],
  input = '',
): Promise<{ code: unknown; text: string }> {
  return new Promise((resolve) => {
    const child = execFile('promtool', args, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, text: stdout + stderr }),
    )
    child.stdin?.end(input)
  })
}

test('promtool finds no fault in the metrics of any role', { skip }, async (t) => {
  const fleet = await openFleet(t, {
    supplierUrl: 'http://127.0.0.1:9',
    queueUrl: null,
    smallParts: false,
  })
  const { pool: db } = fleet.database
  await addManySources(db, 20)
  await recordAction(db, { actor: 'ann', action: 'source.pause', source: 'shop-1' })
  await db.query(
    `insert into catalog.alert_channels (channel, messages, run_end) values ('slack', 7, 0)`,
  )
  const texts = new Map<Role, string>()
  for (const role of ROLES) {
    const { process, ports } = await fleet.serve([role], {
      IMAGES: 'imagekit:test',
      IMAGEKIT_PRIVATE_KEY: 'private_test',
    })
    const response = await fetch(`http://127.0.0.1:${ports['metrics']}/metrics`)
    texts.set(role, await response.text())
    process.kill('SIGTERM')
  }
  for (const [role, text] of texts)
    assert.deepEqual([role, await runPromtool(['check', 'metrics'], text)], [role, NO_FAULT])
  const orchestrator = texts.get('orchestrator') ?? ''
  assert.equal(listSeries(orchestrator, 'shelfsync_source_late')['source="shop-1"'], 1)
  assert.equal(listSeries(orchestrator, 'shelfsync_alert_messages_total')['channel="slack"'], 7)
  assert.equal(listSeries(orchestrator, 'shelfsync_actions_total')['action="source.pause"'], 1)
  assert.deepEqual(listSeries(orchestrator, 'shelfsync_signed_in_sessions'), {
    'access="write"': 0,
    'access="read"': 0,
  })
  // Metrics of the system come from the orchestrator only, and those of a process from each.
  const wrong = Object.entries<Metric>(METRICS).flatMap(([name, { scope }]) => {
    const reporting = [...texts].filter(([, text]) => text.includes(`# TYPE ${name} `))
    const roles = reporting.map(([role]) => role)
    const expected = scope === 'process' ? ROLES : ['orchestrator']
    const isAbsent = roles.length === 0 && WITHOUT_CAUSE.includes(name)
    return isAbsent || isDeepStrictEqual(roles, expected) ? [] : [{ name, roles }]
  })
  assert.deepEqual(wrong, [])
})

test('every alert rule fires on its cause, and not without it', { skip }, async () => {
  assert.deepEqual(Object.keys(ALERT_CASES).toSorted(), Object.keys(ALERT_RULES).toSorted())
  await using folder = await mkdtempDisposable(join(tmpdir(), 'shelfsync-rules-'))
  const cases = Object.entries(ALERT_CASES)
  // Evaluating days by the minute would take half a minute.
  for (const [every, chosen] of [
    ['1m', cases.filter(([, { fires }]) => fires.minute < LONG_MINUTES)],
    ['10m', cases.filter(([, { fires }]) => fires.minute >= LONG_MINUTES)],
  ] as const) {
    const file = join(folder.path, `${every}.yml`)
    const tests = chosen.flatMap(([name, { fires, quiet }]) => [
      toGroup(name, fires.series, fires.minute, [toExpectation(ALERT_RULES[toName(name)], fires)]),
      toGroup(name, quiet.series, quiet.minute, []),
    ])
    await writeFile(file, stringify({ rule_files: [RULES], evaluation_interval: every, tests }))
    const { code, text } = await runPromtool(['test', 'rules', file])
    assert.equal(code, 0, text)
  }
})

function toName(name: string): AlertRuleName {
  assert.ok(name in ALERT_RULES, name)
  return name as AlertRuleName
}

function toGroup(
  name: string,
  series: Readonly<Record<string, string>>,
  minute: number,
  expected: readonly object[],
): object {
  return {
    interval: '1m',
    external_labels: { shelfsync_url: URL_LABEL },
    input_series: Object.entries(series).map(([one, values]) => ({ series: one, values })),
    alert_rule_test: [{ eval_time: `${minute}m`, alertname: name, exp_alerts: expected }],
  }
}

function toExpectation(rule: AlertRule, { labels, value = '' }: AlertCase['fires']): object {
  const fill = (text: string): string =>
    text
      .replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => labels[label] ?? '?')
      .replaceAll(/\{\{ \$value[^}]*\}\}/g, value)
  return {
    exp_labels: { severity: rule.severity, ...labels },
    exp_annotations: {
      summary: fill(rule.summary),
      action: fill(rule.action),
      link: `${URL_LABEL}${fill(rule.page)}`,
    },
  }
}

test('every query of the dashboard and of the rules names metrics that exist, and every metric is shown', async () => {
  const dashboard = await readFile(DASHBOARD, 'utf8')
  const rules = Object.values<AlertRule>(ALERT_RULES).map(({ when }) => when)
  const named = (text: string): string[] =>
    [...text.matchAll(/\bshelfsync_\w+/g)]
      .map(([name]) => name.replace(/_(bucket|sum|count)$/, ''))
      .filter((name) => name !== 'shelfsync_url')
  for (const name of [...named(dashboard), ...named(rules.join('\n'))])
    assert.ok(name in METRICS, name)
  const shown = new Set([...named(dashboard), ...named(rules.join('\n'))])
  assert.deepEqual(
    Object.keys(METRICS).filter((name) => !shown.has(name)),
    [],
  )
})

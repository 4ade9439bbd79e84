// The metrics of one process in the Prometheus text format. Metrics of the process are counted as
// events happen; metrics of the system are read from the database and the queue when they are
// requested. Each object has its own registry; nothing is global.

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { VERSION } from '../core/version.ts'
import { withTimeout } from '../lib/timeout.ts'
import type { RequestReport } from '../node/http-client.ts'
import type { LabelWords, Metric } from './metric.ts'
import { METRICS, type Labels, type MetricName, type NameOf } from './metrics-table.ts'

/** A histogram that was counted outside the registry, such as in the database. */
export interface Distribution {
  /** Values in each bucket, not cumulative; the last one counts values above every bound. */
  readonly counts: readonly number[]
  readonly sum: number
}

/** Several orchestrators report the same values. */
const SYSTEM_NOTE = 'Read from shared state: aggregate processes with max, never with sum.'

/** Matches configured names and versions. */
const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/

/** Gauges of prom-client with the suffix of a counter, which `promtool check metrics` rejects. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
] as const

type ReadingOf<Name extends MetricName> = Name extends MetricName
  ? {
      readonly name: Name
      readonly labels: Labels<Name>
      readonly value: (typeof METRICS)[Name]['type'] extends 'histogram' ? Distribution : number
    }
  : never

/** One series of a metric of scope `system`. */
export type Reading = ReadingOf<NameOf<{ scope: 'system' }>>

export interface Collector {
  readonly name: string
  read(): Promise<readonly Reading[]>
  /** Minimum interval between two reads; earlier requests get the last result. Default 10,000. */
  readonly everyMs?: number
  /**
   * Time limit of a read. A read that exceeds it has failed, and no other starts before it ends.
   * Default 5,000: half of the scrape timeout of Prometheus.
   */
  readonly timeoutMs?: number
}

export interface MetricsOptions {
  readonly nowMs?: () => number
  /** Called with the error of a failed collector; the metrics only count it. */
  readonly onFailure?: (collector: string, error: unknown) => void
}

export interface Metrics {
  /** `by` is not negative. Default 1. */
  count<Name extends NameOf<{ scope: 'process'; type: 'counter' }>>(
    name: Name,
    labels: Labels<Name>,
    by?: number,
  ): void
  observe<Name extends NameOf<{ scope: 'process'; type: 'histogram' }>>(
    name: Name,
    labels: Labels<Name>,
    value: number,
  ): void
  /** A function is called at every request for the metrics. */
  set<Name extends NameOf<{ scope: 'process'; type: 'gauge' }>>(
    name: Name,
    labels: Labels<Name>,
    value: number | (() => number),
  ): void
  collect(collector: Collector): void
  /** Returns all metrics in text format 0.0.4. The series of a failed collector are absent. */
  text(): Promise<string>
}

export function createMetrics({
  nowMs = () => performance.now(),
  onFailure = () => undefined,
}: MetricsOptions = {}): Metrics {
  const registry = new Registry()
  const { counters, gauges, histograms } = createInstruments(registry)
  const gaugeWriters: (() => void)[] = []
  const collectors: (() => Promise<readonly Reading[]>)[] = []
  const metrics: Metrics = {
    count: (name, labels, by = 1) => counters.get(name)?.inc(toLabels(name, labels), by),
    observe: (name, labels, value) => histograms.get(name)?.observe(toLabels(name, labels), value),
    set(name, labels, value) {
      const write = (number: number): void => gauges.get(name)?.set(toLabels(name, labels), number)
      if (typeof value === 'number') write(value)
      else gaugeWriters.push(() => write(value()))
    },
    collect(collector) {
      metrics.count('shelfsync_collect_failures_total', { collector: collector.name }, 0)
      collectors.push(
        createCachedReader(collector, nowMs, (error) => {
          metrics.count('shelfsync_collect_failures_total', { collector: collector.name })
          onFailure(collector.name, error)
        }),
      )
    },
    async text() {
      // Before the registry is read, because failed collectors are counted in it.
      const readings = await Promise.all(collectors.map((read) => read()))
      for (const write of gaugeWriters) write()
      return `${await registry.metrics()}\n${formatReadings(readings.flat())}`
    },
  }
  metrics.set('shelfsync_build_info', { version: VERSION, node: process.version }, 1)
  // Sampling the event loop every 10 ms, the default, costs 0.8 % of a core in an idle process;
  // every 100 ms costs a tenth of that.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
  return metrics
}

/** Returns the `onRequest` callback of an HTTP client that one connector uses. */
export function countRequests(
  metrics: Metrics,
  connector: string,
): (report: RequestReport) => void {
  return (report) => {
    metrics.count('shelfsync_source_requests_total', { connector, result: toResult(report) })
    metrics.observe(
      'shelfsync_source_request_duration_seconds',
      { connector },
      report.durationMs / 1000,
    )
  }
}

function toResult({
  status,
  statusClass,
}: RequestReport): Labels<'shelfsync_source_requests_total'>['result'] {
  switch (statusClass) {
    case '2xx':
    case '3xx':
      return 'ok'
    case '4xx':
      return status === 429 ? 'rate_limited' : 'refused'
    case '5xx':
      return 'unavailable'
    case 'failed':
    case 'aborted':
      return statusClass
  }
}

function createInstruments(registry: Registry) {
  const counters = new Map<string, Counter>()
  const gauges = new Map<string, Gauge>()
  const histograms = new Map<string, Histogram>()
  for (const [name, { type, scope, labels, help, buckets = [] }] of Object.entries<Metric>(
    METRICS,
  )) {
    if (scope !== 'process') continue
    const made = { name, help, labelNames: Object.keys(labels), registers: [registry] }
    if (type === 'counter') counters.set(name, initializeCounter(new Counter(made), labels))
    else if (type === 'gauge') gauges.set(name, new Gauge(made))
    else histograms.set(name, new Histogram({ ...made, buckets: [...buckets] }))
  }
  return { counters, gauges, histograms }
}

/**
 * Initialises the series of a counter with 0, because an alert notices the first failure only as an
 * increase.
 */
function initializeCounter(counter: Counter, labels: Metric['labels']): Counter {
  const [[label, words] = ['', []], ...others] = Object.entries(labels)
  if (words !== 'name' && others.length === 0)
    for (const word of words) counter.inc({ [label]: word }, 0)
  return counter
}

/**
 * Returns the labels of the table only. A value that the table does not allow becomes `other`, so
 * that an address, header or message is never exposed.
 */
function toLabels(name: MetricName, labels: object): Record<string, string> {
  const given = new Map<string, unknown>(Object.entries(labels))
  const allowed = Object.entries<LabelWords>(METRICS[name].labels)
  return Object.fromEntries(
    allowed.map(([label, words]) => [label, toLabelValue(words, given.get(label))]),
  )
}

function toLabelValue(words: LabelWords, word: unknown): string {
  const allowed =
    typeof word === 'string' && (words === 'name' ? NAME.test(word) : words.includes(word))
  return allowed ? word : 'other'
}

/** Returns a reader that never fails, never hangs, and shares one read between callers. */
function createCachedReader(
  { read, everyMs = 10_000, timeoutMs = 5_000 }: Collector,
  nowMs: () => number,
  onFailure: (error: unknown) => void,
) {
  let requestedAtMs = -Infinity
  let reading: Promise<readonly Reading[]> | null = null
  let result: Promise<readonly Reading[]> = Promise.resolve([])
  const start = async (): Promise<readonly Reading[]> => {
    try {
      return await read()
    } finally {
      reading = null
    }
  }
  return (): Promise<readonly Reading[]> => {
    if (nowMs() - requestedAtMs < everyMs) return result
    requestedAtMs = nowMs()
    reading ??= start()
    result = withTimeout(reading, timeoutMs).catch((error: unknown) => {
      onFailure(error)
      return []
    })
    return result
  }
}

/**
 * See https://prometheus.io/docs/instrumenting/exposition_formats/. Label values and help texts
 * contain no characters that need escaping.
 */
function formatReadings(readings: readonly Reading[]): string {
  const families = Map.groupBy(readings, ({ name }) => name)
  const paragraphs = [...families].map(([name, members]) => {
    const { help, type } = METRICS[name]
    return [
      `# HELP ${name} ${help} ${SYSTEM_NOTE}`,
      `# TYPE ${name} ${type}`,
      ...members.flatMap(formatReading),
      '',
    ].join('\n')
  })
  return paragraphs.join('\n')
}

function formatReading({ name, labels, value }: Reading): string[] {
  const words = toLabels(name, labels)
  const line = (
    suffix: string,
    number: number,
    more: Readonly<Record<string, string>> = {},
  ): string => {
    const pairs = Object.entries({ ...words, ...more }).map(([label, word]) => `${label}="${word}"`)
    return `${name}${suffix}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${number}`
  }
  if (typeof value === 'number') return [line('', value)]
  const { buckets: bounds = [] }: Metric = METRICS[name]
  let below = 0
  const buckets = [...bounds, '+Inf'].map((bound, index) =>
    line('_bucket', (below += value.counts[index] ?? 0), { le: String(bound) }),
  )
  return [...buckets, line('_sum', value.sum), line('_count', below)]
}

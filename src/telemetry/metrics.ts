// The metrics of one process, as Prometheus reads them. What the process does itself is counted
// here as it happens; what the database or the queue knows is read when somebody asks. Each object
// has a registry of its own: nothing is global.

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { VERSION } from '../core/version.ts'
import { withTimeout } from '../lib/timeout.ts'
import type { RequestReport } from '../node/http-client.ts'
import {
  METRICS,
  type Labels,
  type LabelWords,
  type Metric,
  type MetricName,
  type NameOf,
} from './metrics-table.ts'

/** A histogram that was counted elsewhere. */
export interface Distribution {
  /**
   * How many fell into each bucket, not added up; one more than there are bounds, for what is above
   * the last.
   */
  readonly counts: readonly number[]
  readonly sum: number
}

/** A configured name or a version. */
const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/

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
  /** Asked again sooner than this, the last answer is given. Default 10,000. */
  readonly everyMs?: number
  /**
   * What takes longer has failed; it is not begun a second time before it ends. Default 5,000: half
   * of what Prometheus waits.
   */
  readonly timeoutMs?: number
}

export interface MetricsOptions {
  readonly nowMs?: () => number
  /** Told why a collector failed: the metrics only count it. */
  readonly onFailure?: (collector: string, error: unknown) => void
}

export interface Metrics {
  /** `by` is 0 or more, 1 by default. */
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
  /** A function is asked each time that the metrics are. */
  set<Name extends NameOf<{ scope: 'process'; type: 'gauge' }>>(
    name: Name,
    labels: Labels<Name>,
    value: number | (() => number),
  ): void
  collect(collector: Collector): void
  /**
   * All of it in the text format 0.0.4. Never fails for a collector: its series are missing then.
   */
  text(): Promise<string>
}

export function createMetrics({
  nowMs = () => performance.now(),
  onFailure = () => undefined,
}: MetricsOptions = {}): Metrics {
  const registry = new Registry()
  const { counters, gauges, histograms } = createInstruments(registry)
  const asked: (() => void)[] = []
  const collectors: (() => Promise<readonly Reading[]>)[] = []
  const metrics: Metrics = {
    count: (name, labels, by = 1) => counters.get(name)?.inc(wordsOf(name, labels), by),
    observe: (name, labels, value) => histograms.get(name)?.observe(wordsOf(name, labels), value),
    set(name, labels, value) {
      const write = (number: number): void => gauges.get(name)?.set(wordsOf(name, labels), number)
      if (typeof value === 'number') write(value)
      else asked.push(() => write(value()))
    },
    collect(collector) {
      metrics.count('shelfsync_collect_failures_total', { collector: collector.name }, 0)
      collectors.push(
        readSparingly(collector, nowMs, (error) => {
          metrics.count('shelfsync_collect_failures_total', { collector: collector.name })
          onFailure(collector.name, error)
        }),
      )
    },
    async text() {
      // First, because a collector that fails is counted.
      const readings = await Promise.all(collectors.map((read) => read()))
      for (const ask of asked) ask()
      return `${await registry.metrics()}\n${writeReadings(readings.flat())}`
    },
  }
  metrics.set('shelfsync_build_info', { version: VERSION, node: process.version }, 1)
  // Looking at the event loop every 10 ms, the default, costs 0.8 % of a core in an idle process;
  // this costs a tenth of it.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 })
  return metrics
}

/** For `createHttp({ onRequest })` of a client that one connector uses. */
export function countRequests(
  metrics: Metrics,
  connector: string,
): (report: RequestReport) => void {
  return (report) => {
    metrics.count('shelfsync_source_requests_total', { connector, result: resultOf(report) })
    metrics.observe(
      'shelfsync_source_request_duration_seconds',
      { connector },
      report.durationMs / 1000,
    )
  }
}

function resultOf({
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
    if (type === 'counter') counters.set(name, startAtZero(new Counter(made), labels))
    else if (type === 'gauge') gauges.set(name, new Gauge(made))
    else histograms.set(name, new Histogram({ ...made, buckets: [...buckets] }))
  }
  return { counters, gauges, histograms }
}

/**
 * A series that appears with a 1 has not risen: only after a 0 does an alert see the first failure.
 */
function startAtZero(counter: Counter, labels: Metric['labels']): Counter {
  const [[label, words] = ['', []], ...others] = Object.entries(labels)
  if (words !== 'name' && others.length === 0)
    for (const word of words) counter.inc({ [label]: word }, 0)
  return counter
}

/**
 * The labels of the table and no others. What they may not say becomes `other`, so that no address,
 * header or message is ever shown.
 */
function wordsOf(name: MetricName, labels: object): Record<string, string> {
  const said = new Map<string, unknown>(Object.entries(labels))
  const allowed = Object.entries<LabelWords>(METRICS[name].labels)
  return Object.fromEntries(
    allowed.map(([label, words]) => [label, chooseWord(words, said.get(label))]),
  )
}

function chooseWord(words: LabelWords, word: unknown): string {
  const allowed =
    typeof word === 'string' && (words === 'name' ? NAME.test(word) : words.includes(word))
  return allowed ? word : 'other'
}

/**
 * Makes a reading that never fails, never hangs, and is shared by those who ask at the same time.
 */
function readSparingly(
  { read, everyMs = 10_000, timeoutMs = 5_000 }: Collector,
  nowMs: () => number,
  onFailure: (error: unknown) => void,
) {
  let askedAtMs = -Infinity
  let reading: Promise<readonly Reading[]> | null = null
  let answer: Promise<readonly Reading[]> = Promise.resolve([])
  const begin = async (): Promise<readonly Reading[]> => {
    try {
      return await read()
    } finally {
      reading = null
    }
  }
  return (): Promise<readonly Reading[]> => {
    if (nowMs() - askedAtMs < everyMs) return answer
    askedAtMs = nowMs()
    reading ??= begin()
    answer = withTimeout(reading, timeoutMs).catch((error: unknown) => {
      onFailure(error)
      return []
    })
    return answer
  }
}

/**
 * See https://prometheus.io/docs/instrumenting/exposition_formats/. Nothing needs escaping: labels
 * say plain words, and so does the table.
 */
function writeReadings(readings: readonly Reading[]): string {
  const families = Map.groupBy(readings, ({ name }) => name)
  const paragraphs = [...families].map(([name, members]) => {
    const { help, type } = METRICS[name]
    return [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
      ...members.flatMap(writeReading),
      '',
    ].join('\n')
  })
  return paragraphs.join('\n')
}

function writeReading({ name, labels, value }: Reading): string[] {
  const words = wordsOf(name, labels)
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

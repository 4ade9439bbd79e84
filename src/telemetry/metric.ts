// The description of one metric.

/**
 * The values of a label: one of these words, or with `name` the name of a source, connector or
 * table.
 */
export type LabelWords = readonly string[] | 'name'

export interface Metric {
  readonly type: 'counter' | 'gauge' | 'histogram'
  /**
   * `process`: counted by each process since it started; sum over processes. `system`: read from the
   * database or the queue; every orchestrator reports the same values, and a restart keeps them.
   */
  readonly scope: 'process' | 'system'
  readonly labels: Readonly<Record<string, LabelWords>>
  /** One line. Units are in the name. */
  readonly help: string
  /** Upper bounds of a histogram, ascending. */
  readonly buckets?: readonly number[]
}

// The panels of the dashboard for Grafana. Queries aggregate system metrics with max, because every
// orchestrator reports them, and process metrics with sum.

export interface Panel {
  readonly title: string
  readonly kind: 'stat' | 'timeseries' | 'table' | 'bargauge'
  readonly unit: string
  /** Width in 24ths of the page. */
  readonly width: number
  /** Queries with the legend of their series. */
  readonly queries: readonly (readonly [expression: string, legend: string])[]
  /** The value from which a stat is red. */
  readonly redFrom?: number
  readonly description?: string
}

export interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

/** Selects the sources that the person has chosen. */
export const SOURCE = 'source=~"$source"'

export function stat(title: string, query: string, redFrom?: number, unit = 'short'): Panel {
  return {
    title,
    kind: 'stat',
    unit,
    width: 4,
    queries: [[query, '']],
    ...(redFrom !== undefined && { redFrom }),
  }
}

export function chart(title: string, unit: string, ...queries: Panel['queries'][number][]): Panel {
  return { title, kind: 'timeseries', unit, width: 12, queries }
}

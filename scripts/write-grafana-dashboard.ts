// Writes deploy/grafana/shelfsync.json: the dashboard in Grafana's classic format, which every version
// from 9 on imports. Its rows are in support/grafana-rows.ts.

import { writeGenerated } from './support/generated.ts'
import type { Panel } from './support/grafana-panels.ts'
import { ROWS } from './support/grafana-rows.ts'

const COLUMNS = 24
const HEIGHTS = { stat: 4, timeseries: 8, table: 8, bargauge: 8 } as const
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' } as const

function formatPanel(panel: Panel, id: number, x: number, y: number): object {
  const { title, kind, unit, width, queries, redFrom, description } = panel
  const steps = [
    { color: 'green', value: null },
    ...(redFrom === undefined ? [] : [{ color: 'red', value: redFrom }]),
  ]
  return {
    id,
    title,
    ...(description !== undefined && { description }),
    type: kind,
    datasource: DATASOURCE,
    gridPos: { h: HEIGHTS[kind], w: width, x, y },
    fieldConfig: {
      defaults: { unit, min: 0, thresholds: { mode: 'absolute', steps } },
      overrides: [],
    },
    options:
      kind === 'timeseries'
        ? {
            legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
            tooltip: { mode: 'multi', sort: 'desc' },
          }
        : {
            reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
            ...(kind === 'stat' && { colorMode: 'value', graphMode: 'area' }),
            ...(kind === 'bargauge' && { orientation: 'horizontal', displayMode: 'basic' }),
          },
    targets: queries.map(([expr, legendFormat], index) => ({
      refId: String.fromCodePoint(65 + index),
      datasource: DATASOURCE,
      expr,
      legendFormat,
    })),
  }
}

/** Places panels from left to right, in as many lines as they need. */
function formatPanels(): object[] {
  const placed: object[] = []
  let y = 0
  for (const { title, panels } of ROWS) {
    placed.push({
      id: placed.length + 1,
      title,
      type: 'row',
      collapsed: false,
      gridPos: { h: 1, w: COLUMNS, x: 0, y: y++ },
      panels: [],
    })
    let [x, height] = [0, 0]
    for (const panel of panels) {
      if (x + panel.width > COLUMNS) {
        y += height
        x = 0
        height = 0
      }
      placed.push(formatPanel(panel, placed.length + 1, x, y))
      x += panel.width
      height = Math.max(height, HEIGHTS[panel.kind])
    }
    y += height
  }
  return placed
}

const dashboard = {
  uid: 'shelfsync',
  title: 'Shelfsync',
  tags: ['shelfsync'],
  editable: true,
  schemaVersion: 39,
  refresh: '1m',
  time: { from: 'now-7d', to: 'now' },
  timezone: 'browser',
  templating: {
    list: [
      { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus' },
      {
        name: 'source',
        label: 'Source',
        type: 'query',
        datasource: DATASOURCE,
        query: { query: 'label_values(shelfsync_runs_total, source)', refId: 'source' },
        refresh: 2,
        multi: true,
        includeAll: true,
        allValue: '.*',
        current: { text: 'All', value: '$__all' },
      },
    ],
  },
  annotations: { list: [] },
  panels: formatPanels(),
}

await writeGenerated({ 'deploy/grafana/shelfsync.json': `${JSON.stringify(dashboard, null, 2)}\n` })

// Everything that runs have written about a source, in a form that two sources with the same feed
// share: runs by their position, without names, keys and instants.

import { CATALOGUE_TABLES } from './catalogue-tables.ts'
import type { TestPipeline } from './pipeline.ts'

const TABLES = ['runs', 'artifacts', 'parts', 'checkpoints', ...CATALOGUE_TABLES] as const

/**
 * Columns that two sources do not share. The compressed bytes of equal parts may differ: zstd's result
 * depends on the address of its input.
 */
const OWN_COLUMNS = ['source_id', 'key', 'token', 'sha256', 'stored_bytes']

/** Columns with the id of a run, beside those that end with `run_id`. */
const RUN_COLUMNS = ['artifact_run', 'closed_run', 'settled_run']

/** Times of the supplier are before it, and times of the test after it. */
const FIRST_TEST = '2025'

/** Returns the rows of each table, in the order of their text, and the raw artifacts. */
export async function readContent(pipeline: TestPipeline): Promise<Record<string, string[]>> {
  const { id } = await pipeline.source()
  const runs = await pipeline.query<{ id: number }>(
    'select id from catalog.runs where source_id = $1 order by id',
    id,
  )
  const places = new Map(runs.map((run, index) => [String(run.id), index + 1]))
  const content: Record<string, string[]> = { raw: [] }
  for (const run of runs) content['raw']?.push(await pipeline.archived(run.id))
  for (const table of TABLES) {
    const rows = await pipeline.query<{ row: Record<string, unknown> }>(
      `select to_jsonb(t) as row from catalog.${table} t where source_id = $1`,
      id,
    )
    content[table] = rows
      .map(({ row }) => JSON.stringify(toComparable(row, table, places, pipeline.name)))
      .toSorted()
  }
  return content
}

function toComparable(
  row: Record<string, unknown>,
  table: string,
  places: ReadonlyMap<string, number>,
  name: string,
): Record<string, unknown> {
  const entries = Object.entries(row).flatMap(([column, value]): [string, unknown][] => {
    if (OWN_COLUMNS.includes(column)) return []
    const isRun = column.endsWith('run_id') || RUN_COLUMNS.includes(column)
    if (isRun || (column === 'id' && table === 'runs')) return [[column, places.get(String(value))]]
    if (column === 'id' || (column === 'position' && table === 'changes')) return []
    // The number of a quarantined record.
    if (column === 'detail') return [[column, { ...Object(value), record: undefined }]]
    if (column === 'message') return [[column, String(value).replace(/^.*?, run \d+/, '')]]
    const isTime = column.endsWith('_at') || column === 'watermark'
    const isLate = isTime && typeof value === 'string' && value > FIRST_TEST
    if (isLate) return [[column, 'during the test']]
    return [[column, typeof value === 'string' ? value.replaceAll(name, 'source') : value]]
  })
  return Object.fromEntries(entries)
}

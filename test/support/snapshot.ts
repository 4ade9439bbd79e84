// The content of a source's catalogue in a form that compares two sources, or one source at two
// times.

import { CATALOGUE_TABLES } from './catalogue-tables.ts'
import type { TestPipeline } from './pipeline.ts'

export interface ListedProduct {
  readonly id: string
  readonly status: string
  readonly title: string | null
  /** Public prices in cents by state. A state without a price is absent. */
  readonly prices: Partial<Record<'current' | 'pending' | 'held', number | null>>
}

/** Lists every product with its public price, by id. */
export async function listProducts(pipeline: TestPipeline): Promise<Map<string, ListedProduct>> {
  const rows = await pipeline.query<ListedProduct>(
    `select p.external_id as id, p.status, p.title,
       coalesce((select jsonb_object_agg(x.state, x.amount_minor) from catalog.prices x
         where x.source_id = p.source_id and x.product_external_id = p.external_id and x.price_type = 'public' and x.state in ('current', 'pending', 'held')), '{}') as prices
     from catalog.products p join catalog.sources s on s.id = p.source_id where s.name = $1 order by p.external_id`,
    pipeline.name,
  )
  return new Map(rows.map((row) => [row.id, row]))
}

/** Members that depend on the time, the run or a row number. */
const INCOMPARABLE = [
  'source_id',
  'id',
  'seq',
  'run_id',
  'part_no',
  'settled_run',
  'closed_run',
  'line_no',
  'position',
  'first_seen_at',
  'refreshed_at',
  'changed_at',
  'observed_at',
  'opened_at',
  'decided_at',
  'created_at',
  'artifact_run',
  'missed_at',
  'message',
  'byte_offset',
]

/** The content of a source's tables, without times, run numbers and row numbers. */
export async function snapshotCatalogue(pipeline: TestPipeline): Promise<Record<string, string[]>> {
  const { id } = await pipeline.source()
  const tables: Record<string, string[]> = {}
  for (const table of CATALOGUE_TABLES) {
    const kept =
      table === 'variants' || table === 'images'
        ? INCOMPARABLE.filter((name) => name !== 'position')
        : INCOMPARABLE
    const rows = await pipeline.query<{ row: string }>(
      `select (to_jsonb(t) - $2::text[] #- '{detail,record}' || jsonb_strip_nulls(jsonb_build_object('last_available_at', (to_jsonb(t) ->> 'last_available_at') < 'x',
         'raw', md5(catalog.remove_members(to_jsonb(t) -> 'raw', $3)::text), 'description', md5(to_jsonb(t) ->> 'description'))))::text as row
       from catalog.${table} t where source_id = $1 order by 1`,
      id,
      kept,
      pipeline.connector.volatilePaths,
    )
    tables[table] = rows.map(({ row }) => row)
  }
  return tables
}

/**
 * The version of every row of a source. Two equal lists mean that no row was written in between,
 * not even with the same values.
 */
export async function listRowVersions(pipeline: TestPipeline): Promise<string[]> {
  const { id } = await pipeline.source()
  const versions: string[] = []
  for (const table of CATALOGUE_TABLES) {
    const rows = await pipeline.query<{ version: string }>(
      `select xmin || ' ' || ctid as version from catalog.${table} where source_id = $1 order by ctid`,
      id,
    )
    versions.push(...rows.map(({ version }) => `${table} ${version}`))
  }
  return versions
}

/**
 * The rows of `listRowVersions`, and the runs of all sources with their parts, artifacts and
 * checkpoints.
 */
export async function listAllRowVersions(pipeline: TestPipeline): Promise<string[]> {
  const rows = await pipeline.query<{ row: string }>(
    `select r::text as row from catalog.runs r union all select p::text from catalog.parts p union all select a::text from catalog.artifacts a
     union all select format('%s %s %s', part_no, lines_done, xmin) from catalog.checkpoints`,
  )
  return [...(await listRowVersions(pipeline)), ...rows.map(({ row }) => row)]
}

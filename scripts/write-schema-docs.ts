// Writes docs/schema.md: columns and types from a freshly migrated database, descriptions from the
// comments in supabase/schemas and, for the members of a product, from its published schema.

import { DraftSchema } from '../src/core/product-schema.ts'
import { listMigrations, SCHEMAS_DIRECTORY } from '../src/db/migrate/migration-files.ts'
import type { Db } from '../src/db/pool.ts'
import { openTestDatabase } from '../test/support/database.ts'
import { formatTable, writeGenerated } from './support/generated.ts'

interface Column {
  readonly schema: 'api' | 'catalog'
  readonly relation: string
  readonly name: string
  readonly type: string
}

const SCHEMAS = {
  api: 'For readers. Prices are in minor units (cents for AUD), times are instants in UTC, and `source` is the name that the source was added with.',
  catalog:
    "All tables. Private: read schema `api` instead, whose columns stay. A table's `source_id` begins its primary key, so the catalogue can be split by source.",
} as const

/** `products` → the names under which the Data API embeds other views into it. */
async function listEmbeds(db: Db): Promise<Map<string, string[]>> {
  const { rows } = await db.query<{
    view: string
    name: string
  }>(`select c.relname as view, p.proname as name
    from pg_proc p join pg_class c on c.reltype = p.proargtypes[0] where p.pronamespace = 'api'::regnamespace and p.pronargs = 1 order by p.oid`)
  return new Map(
    [...Map.groupBy(rows, ({ view }) => `api.${view}`)].map(([view, embeds]) => [
      view,
      embeds.map(({ name }) => name),
    ]),
  )
}

/** In the order of the migrations, without the bookkeeping tables of Shelfsync. */
async function listColumns(db: Db): Promise<Column[]> {
  const { rows } = await db.query<Column>(`
    select n.nspname as schema, c.relname as relation, a.attname as name,
      format_type(a.atttypid, a.atttypmod) || case when a.attnotnull then ' not null' else '' end as type
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
    where n.nspname in ('api', 'catalog') and c.relkind in ('r', 'v') and a.attnum > 0 and not a.attisdropped and c.relname <> 'migrations'
    order by n.nspname, c.oid, a.attnum`)
  return rows
}

/**
 * `products.title` → the description in the schema of the product, by the name of the column.
 */
function productWords(): Map<string, string> {
  const { variants, prices, images } = DraftSchema.shape
  const tables = {
    products: DraftSchema.shape,
    variants: variants.unwrap().element.shape,
    prices: prices.unwrap().element.shape,
    price_history: prices.unwrap().element.shape,
    images: images.unwrap().element.shape,
  }
  const words = Object.entries(tables).flatMap(([table, members]) =>
    Object.entries(members).map(([member, { description = '' }]): [string, string] => [
      `${table}.${columnOf(member)}`,
      description,
    ]),
  )
  return new Map(words)
}

function columnOf(member: string): string {
  const renamed: Readonly<Record<string, string>> = {
    type: 'price_type',
    variantId: 'variant_external_id',
    successorId: 'successor',
  }
  return (
    renamed[member] ??
    member.replace(/Ms$/, '').replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  )
}

/**
 * `catalog.runs` → the comment above its statement, `catalog.runs.since` → the one of the column.
 */
function readComments(sql: string): Map<string, string> {
  const comments = new Map<string, string>()
  for (const [, above = '', relation = '', body = ''] of sql.matchAll(
    /((?:^--.*\n)*)^create (?:table|view) (\w+\.\w+)([\s\S]*?);$/gm,
  )) {
    const text = joinComment(above)
    if (text !== '') comments.set(relation, text)
    for (const [column, comment] of readColumnComments(body))
      comments.set(`${relation}.${column}`, comment)
  }
  return comments
}

/** A short comment stands beside the column, a long one on the lines above it. */
function readColumnComments(body: string): [column: string, comment: string][] {
  return [...body.matchAll(/((?:^ {2}--.*\n)*)^ {2}(\w+) .*?(?:--\s*(.+))?$/gm)]
    .map(([, above = '', column = '', beside]): [string, string] => [
      column,
      toSentence(beside ?? joinComment(above)),
    ])
    .filter(([, comment]) => comment !== '')
}

function toSentence(comment: string): string {
  if (comment === '') return ''
  return `${comment[0]?.toUpperCase()}${comment.slice(1)}${comment.endsWith('.') ? '' : '.'}`
}

function joinComment(lines: string): string {
  return lines
    .replaceAll(/^ *--\s*/gm, '')
    .replaceAll('\n', ' ')
    .trim()
}

async function renderPage(db: Db): Promise<string> {
  const comments = readComments(
    (await listMigrations(SCHEMAS_DIRECTORY)).map(({ sql }) => sql).join('\n'),
  )
  const words = productWords()
  const embeds = await listEmbeds(db)
  const relations = Map.groupBy(
    await listColumns(db),
    ({ schema, relation }) => `${schema}.${relation}`,
  )
  const lines = [
    '# Schema',
    '',
    'Generated by `scripts/write-schema-docs.ts` from a migrated database and the comments in `supabase/schemas/`, which also',
    'hold the contract of each function.',
  ]
  for (const [schema, introduction] of Object.entries(SCHEMAS)) {
    lines.push('', `## Schema ${schema}`, '', introduction)
    for (const [relation, columns] of relations) {
      if (columns[0]?.schema !== schema) continue
      const about = comments.get(relation)
      const embedded = embeds
        .get(relation)
        ?.map((name) => `\`${name}\``)
        .join(', ')
      const rows = columns.map(({ relation: table, name, type }) => [
        `\`${name}\``,
        type,
        comments.get(`${relation}.${name}`) ?? words.get(`${table}.${name}`) ?? '',
      ])
      lines.push(
        '',
        `### ${relation}`,
        '',
        ...(about === undefined ? [] : [about, '']),
        ...(embedded === undefined ? [] : [`Embeds ${embedded} over the Data API.`, '']),
        ...formatTable(['column', 'type', ''], rows),
      )
    }
  }
  return `${lines.join('\n')}\n`
}

const cleanUps: (() => Promise<void>)[] = []
const { pool } = await openTestDatabase({ after: (cleanUp) => void cleanUps.push(cleanUp) })
try {
  await writeGenerated({ 'docs/schema.md': await renderPage(pool) })
} finally {
  for (const cleanUp of cleanUps) await cleanUp()
}

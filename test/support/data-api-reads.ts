// Reads of the Data API's stand-in: the statement that PostgREST builds for `GET /view?select=…`,
// with embedded views as lateral joins over the functions that relate them. Features that no test
// uses are omitted. https://github.com/PostgREST/postgrest, src/PostgREST/Query/QueryBuilder.hs

import pg from 'pg'

/** A relation of PostgREST: a function from a row of one view to rows of another. */
interface Relation {
  readonly of: string
  readonly name: string
  readonly target: string
  readonly isSingle: boolean
}

/** A column, or an embedded view with its own columns. */
interface Field {
  readonly name: string
  readonly alias: string
  readonly isInner: boolean
  readonly fields: readonly Field[] | null
}

const OPERATORS: Readonly<Record<string, string>> = {
  eq: '=',
  neq: '<>',
  gt: '>',
  gte: '>=',
  lt: '<',
  lte: '<=',
}
const NO_FILTERS = new Set(['select', 'order', 'limit', 'offset'])
const quote = (name: string): string => (name === '*' ? name : pg.escapeIdentifier(name))

/** A request that PostgREST itself refuses. */
export class ReadRefused extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

export async function loadRelations(db: pg.Pool): Promise<Relation[]> {
  const { rows } =
    await db.query<Relation>(`select argument.relname as of, p.proname as name, target.relname as target, p.prorows = 1 as "isSingle"
    from pg_proc p join pg_class argument on argument.reltype = p.proargtypes[0] join pg_class target on target.reltype = p.prorettype
    where p.pronamespace = 'api'::regnamespace and p.pronargs = 1`)
  return rows
}

/**
 * The statement for `/view?params`. It returns one row with the column `body`. @throws ReadRefused
 */
export function buildRead(
  relations: readonly Relation[],
  view: string,
  params: URLSearchParams,
): string {
  const from = `"api".${quote(view)}`
  const filters = [...params]
    .filter(([name]) => !NO_FILTERS.has(name))
    .map(([column, filter]) => renderFilter(`${from}.${quote(column)}`, filter))
  const order = (params.get('order') ?? '')
    .split(',')
    .filter(Boolean)
    .map((term) => {
      const [column = '', direction = 'asc'] = term.split('.')
      return `${from}.${quote(column)} ${direction === 'desc' ? 'desc' : 'asc'}`
    })
  let joins = 0
  /** The columns and joins of one level; `row` is the alias of its row. */
  const level = (
    fields: readonly Field[],
    of: string,
    row: string,
    table: string,
  ): { columns: string; joins: string } => {
    const parts = fields.map((field) => {
      if (field.fields === null)
        return {
          column: `${table}.${quote(field.name)}${field.alias === field.name ? '' : ` AS ${quote(field.alias)}`}`,
          join: '',
        }
      const relation = relations.find((one) => one.of === of && one.name === field.name)
      if (relation === undefined)
        throw new ReadRefused(
          'PGRST200',
          `Could not find a relationship between '${of}' and '${field.name}' in the schema cache`,
        )
      joins += 1
      const [inner, aggregate] = [
        quote(`${field.name}_${joins}`),
        quote(`${of}_${field.name}_${joins}`),
      ]
      const below = level(field.fields, relation.target, inner, inner)
      const query = `SELECT ${below.columns} FROM "api".${quote(relation.name)}(${row}::"api".${quote(of)}) AS ${inner} ${below.joins}`
      const kind = field.isInner ? 'INNER' : 'LEFT'
      return relation.isSingle
        ? {
            column: `row_to_json(${aggregate}.*)::jsonb AS ${quote(field.alias)}`,
            join: `${kind} JOIN LATERAL (${query}) AS ${aggregate} ON TRUE`,
          }
        : {
            column: `COALESCE(${aggregate}.${aggregate}, '[]') AS ${quote(field.alias)}`,
            join:
              `${kind} JOIN LATERAL (SELECT json_agg(${aggregate})::jsonb AS ${aggregate} FROM (${query}) AS ${aggregate}) AS ${aggregate} ` +
              `ON ${field.isInner ? `${aggregate} IS NOT NULL` : 'TRUE'}`,
          }
    })
    return {
      columns: parts.map(({ column }) => column).join(', '),
      joins: parts
        .map(({ join }) => join)
        .filter(Boolean)
        .join(' '),
    }
  }
  const root = level(parseSelect(params.get('select') ?? '*'), view, quote(view), from)
  const [limit, offset] = [params.get('limit') ?? '1000', params.get('offset') ?? '0'].map(Number)
  return (
    `WITH pgrst_source AS (SELECT ${root.columns} FROM ${from} ${root.joins} ${filters.length === 0 ? '' : `WHERE ${filters.join(' AND ')}`} ` +
    `${order.length === 0 ? '' : `ORDER BY ${order.join(', ')}`} LIMIT ${limit} OFFSET ${offset}) ` +
    `SELECT coalesce(json_agg(_postgrest_t), '[]')::text AS body FROM (SELECT * FROM pgrst_source) _postgrest_t`
  )
}

function renderFilter(column: string, filter: string): string {
  const [, name = '', value = ''] = /^(\w+)\.([\s\S]*)$/.exec(filter) ?? []
  if (name === 'in') return `${column} = ANY (${pg.escapeLiteral(`{${value.slice(1, -1)}}`)})`
  const operator = OPERATORS[name]
  if (operator === undefined)
    throw new ReadRefused('PGRST100', `failed to parse filter (${filter})`)
  return `${column} ${operator} ${pg.escapeLiteral(value)}`
}

/** `a,b:c,views!inner(d,e)` */
function parseSelect(select: string): Field[] {
  const items: string[] = []
  let [depth, start] = [0, 0]
  for (const { 0: mark, index } of select.matchAll(/[(),]/g)) {
    if (mark === '(') depth += 1
    if (mark === ')') depth -= 1
    if (mark !== ',' || depth > 0) continue
    items.push(select.slice(start, index))
    start = index + 1
  }
  return [...items, select.slice(start)].map((item) => {
    const [, alias, name = '', hint, inside] =
      /^\s*(?:(\w+):)?(\*|\w+)(!\w+)?(?:\(([\s\S]*)\))?\s*$/.exec(item) ?? []
    if (name === '') throw new ReadRefused('PGRST100', `failed to parse select parameter (${item})`)
    return {
      name,
      alias: alias ?? name,
      isInner: hint === '!inner',
      fields: inside === undefined ? null : parseSelect(inside),
    }
  })
}

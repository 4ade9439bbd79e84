// Hostile values for every member of a record, as JSON text, because JavaScript cannot represent
// all of them (1e999, numbers of 400 digits, depth).

export type Path = readonly (string | number)[]

/** Values as JSON text, each with a name. */
export const EXTREMES: readonly (readonly [what: string, json: string])[] = [
  ...[
    '0',
    '-0',
    '-1',
    '1.5',
    '1e-320',
    '2147483648',
    '9007199254740993',
    '1e21',
    '1.7976931348623157e308',
    '1e400',
    '-1e400',
  ].map((json) => [json, json] as const),
  ['400 digits', '9'.repeat(400)],
  ['400 digits in a text', `"${'9'.repeat(400)}"`],
  ['milliseconds', '1780000000000'],
  ['the year 10000', '253402300800'],
  ['the last time of JavaScript', '8640000000000000'],
  ['a time beyond that', '8640000000000001'],
  ['a time before Christ', '-62135596801'],
  ...[
    '9999-12-31T23:59:59.999Z',
    '+275760-09-13T00:00:00.001Z',
    '0000-00-00T00:00:00Z',
    '2026-02-31T25:61:61Z',
    'infinity',
    '-Infinity',
    'NaN',
    'yesterday',
    '1e999',
  ].map((text) => [text, JSON.stringify(text)] as const),
  ...[
    'null',
    'true',
    'false',
    '""',
    '"   "',
    '[]',
    '{}',
    '[[]]',
    '[null]',
    '[{}]',
    '[1e400]',
    '{"en":null}',
    '{"en":{}}',
    '{"value":1e400,"unit":"kg"}',
    '{"__proto__":{"a":1}}',
  ].map((json) => [json, json] as const),
  ...[
    '__proto__',
    'constructor',
    "'); drop table x; --",
    '\\',
    '\\N',
    '$1',
    '%s',
    '\ufeff',
    '\r\n',
    '\u001b[2J',
    '\u202eabc',
    '\u0000',
    '-1.00',
    '1,000.00',
    'https://',
    'http://[',
    'javascript:alert(1)',
  ].map((text) => [JSON.stringify(text), JSON.stringify(text)] as const),
  ['half a surrogate pair', String.raw`"\ud83d"`],
  ['the other half', String.raw`"\udc00x"`],
]

/**
 * Values that take some milliseconds each. JSON.parse accepts these depths, JSON.stringify and
 * Postgres do not.
 */
export const LARGE: readonly (readonly [what: string, json: string])[] = [
  ['100 KB that no index holds', JSON.stringify(incompressible(100_000))],
  ['10,000 numbers', `[${Array.from({ length: 10_000 }, (_, n) => n).join(',')}]`],
  ['10,000 members', `{${Array.from({ length: 10_000 }, (_, n) => `"m${n}":${n}`).join(',')}}`],
  ...[100, 2_000, 20_000].flatMap(
    (depth) =>
      [
        [`${depth} lists in each other`, '['.repeat(depth) + ']'.repeat(depth)],
        [`${depth} objects in each other`, `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`],
      ] as const,
  ),
]

/** Lists the distinct places in `records`; the first element of a list represents all of them. */
export function pathsOf(records: Iterable<unknown>): Path[] {
  const paths = new Map<string, Path>()
  const walk = (value: unknown, path: Path): void => {
    if (path.length > 0) paths.set(JSON.stringify(path), path)
    if (Array.isArray(value)) {
      if (value.length > 0) walk(value[0], [...path, 0])
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, member] of Object.entries(value)) walk(member, [...path, name])
    }
  }
  for (const record of records) walk(record, [])
  return [...paths.values()]
}

export function valueAt(record: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, step) =>
      typeof value === 'object' && value !== null
        ? (value as Record<string | number, unknown>)[step]
        : undefined,
    record,
  )
}

/** Returns a copy of the record with `value` in that place, or the record when it has no such place. */
export function replacedAt(record: unknown, [step, ...rest]: Path, value: unknown): unknown {
  if (step === undefined) return value
  if (typeof record !== 'object' || record === null) return record
  const inner = replacedAt(valueAt(record, [step]), rest, value)
  return Array.isArray(record) ? record.with(Number(step), inner) : { ...record, [step]: inner }
}

const HOLE = '\u2063hole\u2063'

/** Returns the record as JSON with `json` in that place, or null when it has no such place. */
export function withValue(record: unknown, path: Path, json: string): string | null {
  return holeAt(record, path)?.(json) ?? null
}

/** Returns a function that writes the record with a value in that place, as `withValue` does. */
export function holeAt(record: unknown, path: Path): ((json: string) => string) | null {
  const parent = valueAt(record, path.slice(0, -1))
  const last = path.at(-1)
  if (typeof parent !== 'object' || parent === null || last === undefined) return null
  const text = JSON.stringify(record, function (name, value: unknown) {
    return this === parent && name === String(last) ? HOLE : value
  })
  const hole = JSON.stringify(HOLE)
  return (json) => text.replace(hole, () => json)
}

/**
 * Returns a list of `count` different elements as JSON, numbered from `from`. Large values are
 * rare, so that a list of 100,000 fits into memory.
 */
export function listLike(element: unknown, count: number, from = 0): string {
  const pieces = JSON.stringify(thinned(element, 0), (_, value: unknown) => numbered(value)).split(
    /"?\u2063"?/,
  )
  // The odd elements are to be numbered: an empty text at the end of a string, or the number from
  // which to count.
  const one = (n: number): string =>
    pieces
      .map((piece, at) =>
        at % 2 === 0 ? piece : piece === '' ? `${n}"` : String(Number(piece) + n),
      )
      .join('')
  return `[${Array.from({ length: count }, (_, n) => one(n + from)).join(',')}]`
}

function numbered(value: unknown): unknown {
  if (typeof value === 'string' && value !== '') return `${value}${MARK}${MARK}`
  return typeof value === 'number' && Number.isInteger(value) ? `${MARK}${value}${MARK}` : value
}

const MARK = '\u2063'

/** Returns the parts of each object; nested objects are first cut to two members. */
const MEMBERS_MAX = [8, 2]

function thinned(value: unknown, depth: number): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map((element) => thinned(element, depth + 1))
  if (typeof value !== 'object' || value === null)
    return typeof value === 'string' ? value.slice(0, 60) : value
  const members = Object.entries(value).slice(0, MEMBERS_MAX[depth] ?? 2)
  return Object.fromEntries(members.map(([name, member]) => [name, thinned(member, depth + 1)]))
}

function incompressible(length: number): string {
  let [text, state] = ['', 1]
  while (text.length < length) {
    state = (state * 48_271) % 2_147_483_647
    text += state.toString(36)
  }
  return text.slice(0, length)
}

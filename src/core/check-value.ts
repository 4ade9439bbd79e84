// Checks a value against a Zod schema, with the problems in Shelfsync's words instead of Zod's:
// where, what is allowed, and the type of what was found. A message never contains the value
// itself, which may be a secret or licensed data.

import { z } from 'zod'

export interface Problem {
  readonly path: readonly PropertyKey[]
  /** `expected a number, found text`. A message that a schema states replaces it. */
  readonly message: string
}

type Checked<Value> =
  | { readonly data: Value; readonly problems: null }
  | { readonly data: undefined; readonly problems: readonly Problem[] }

type Issue = z.core.$ZodRawIssue

/** Names of unknown members come from outside. */
const NAME_CHARS_MAX = 60
const NAMES_MAX = 10

/** Returns the parsed value, or the problems of a value that does not match the schema. */
export function checkValue<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): Checked<z.output<Schema>> {
  const { data, error } = schema.safeParse(value, { error: describeIssue })
  return error === undefined
    ? { data, problems: null }
    : { data: undefined, problems: error.issues }
}

/** `variants[0].price: expected a number, found text; currency: missing, expected text`. */
export function formatProblems(problems: readonly Problem[]): string {
  return problems.map(formatProblem).join('; ')
}

export function formatProblem({ path, message }: Problem): string {
  return path.length === 0 ? message : `${z.core.toDotPath(path)}: ${message}`
}

function describeIssue(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return describeFound(describeType(issue), issue.input)
    case 'invalid_value':
      return describeMissing(joinWords(issue.values.map(formatLiteral)), issue.input)
    case 'invalid_format':
      return `expected ${describeFormat(issue)}`
    case 'invalid_union':
      return describeUnion(issue)
    case 'too_small':
      return `expected ${describeMinimum(issue)}`
    case 'too_big':
      return `expected ${describeMaximum(issue)}`
    case 'not_multiple_of':
      return `expected a multiple of ${issue.divisor}`
    case 'unrecognized_keys':
      return describeUnknown(issue)
    case 'invalid_key':
      return `the name is not valid: ${formatProblems(issue.issues)}`
    case 'invalid_element':
      return formatProblems(issue.issues)
    case 'custom':
      return 'not valid'
  }
}

type Of<Code extends Issue['code']> = Extract<Issue, { code: Code }>

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  bigint: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
  nan: 'NaN',
  date: 'a date',
  undefined: 'nothing',
  never: 'nothing',
}

function describeType({ expected, inst }: Of<'invalid_type'>): string {
  const isWhole = inst instanceof z.ZodNumber && inst.isInt
  return TYPES[isWhole ? 'int' : expected] ?? expected
}

function describeFound(allowed: string, input: unknown): string {
  if (input === undefined) return `missing, expected ${allowed}`
  const type = z.core.util.parsedType(input)
  // A fraction where a whole number is expected.
  const isFraction = Number.isFinite(input) && allowed.includes('a whole number')
  const isInfinite = input === Infinity || input === -Infinity
  const found = isInfinite ? String(input) : isFraction ? 'a fraction' : (TYPES[type] ?? type)
  return `expected ${allowed}, found ${found}`
}

function describeMissing(allowed: string, input: unknown): string {
  return input === undefined ? `missing, expected ${allowed}` : `expected ${allowed}`
}

/** `at least 3 characters`; `more than 0`; `text that is not empty`. */
function describeMinimum({ origin, minimum, inclusive, exact }: Of<'too_small'>): string {
  const unit = UNITS[origin]
  if (unit === undefined)
    return `${inclusive === false ? 'more than' : 'at least'} ${formatBound(origin, minimum)}`
  if (Number(minimum) === 1 && !exact)
    return origin === 'string' ? 'text that is not empty' : `at least one ${unit}`
  return `${exact ? 'exactly' : 'at least'} ${formatAmount(minimum, unit)}`
}

function describeMaximum({ origin, maximum, inclusive, exact }: Of<'too_big'>): string {
  const unit = UNITS[origin]
  if (unit === undefined)
    return `${inclusive === false ? 'less than' : 'at most'} ${formatBound(origin, maximum)}`
  return `${exact ? 'exactly' : 'at most'} ${formatAmount(maximum, unit)}`
}

const UNITS: Readonly<Record<string, string>> = {
  string: 'character',
  array: 'item',
  set: 'item',
  map: 'item',
  file: 'byte',
}

function formatAmount(amount: number | bigint, unit: string): string {
  return `${amount} ${unit}${Number(amount) === 1 ? '' : 's'}`
}

function formatBound(origin: string, bound: number | bigint): string {
  return origin === 'date' ? new Date(Number(bound)).toISOString() : String(bound)
}

const FORMATS: Readonly<Record<string, string>> = {
  datetime: 'a time such as 2026-01-31T03:17:02Z',
  date: 'a date such as 2026-01-31',
  time: 'a time such as 03:17:02',
  url: 'an address such as https://some-shop.example',
  email: 'an email address',
  uuid: 'a UUID',
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
  lowercase: 'lower-case text',
  uppercase: 'upper-case text',
}

function describeFormat({ format, ...issue }: Of<'invalid_format'>): string {
  const { prefix, suffix, includes, pattern } = issue as Partial<Record<string, string>>
  if (format === 'starts_with') return `text that begins with ${JSON.stringify(prefix)}`
  if (format === 'ends_with') return `text that ends with ${JSON.stringify(suffix)}`
  if (format === 'includes') return `text that contains ${JSON.stringify(includes)}`
  if (format === 'regex') return `text that matches ${pattern}`
  return FORMATS[format] ?? `text in the format ${format}`
}

/** `unknown: coler (known: url, colour)`. */
function describeUnknown({ keys, inst }: Of<'unrecognized_keys'>): string {
  const names = keys.slice(0, NAMES_MAX).map((name) => name.slice(0, NAME_CHARS_MAX))
  const more = keys.length > NAMES_MAX ? ` and ${keys.length - NAMES_MAX} more` : ''
  const known = inst instanceof z.ZodObject ? Object.keys(inst.shape) : []
  return `unknown: ${names.join(', ')}${more}${known.length === 0 ? '' : ` (known: ${known.join(', ')})`}`
}

/** The options that refuse the value itself are joined; otherwise, the problems of each option. */
function describeUnion({ errors, input, ...issue }: Of<'invalid_union'>): string {
  const { options } = issue as { readonly options?: readonly z.core.util.Primitive[] }
  if (options !== undefined) return `expected ${joinWords(options.map(formatLiteral))}`
  if (errors.length === 0) return 'expected a value that matches only one of the allowed kinds'
  const allowed = errors.map((problems) => {
    const [first, ...others] = problems
    const isSimple = others.length === 0 && first?.path.length === 0
    return isSimple ? EXPECTED.exec(first.message)?.[1] : undefined
  })
  if (allowed.every((one) => one !== undefined))
    return describeFound(joinWords([...new Set(allowed)]), input)
  return errors.map(formatProblems).join(', or ')
}

/** The allowed kind in a message of this module. */
const EXPECTED = /^(?:missing, )?expected (.*?)(?:, found .*)?$/

function formatLiteral(value: z.core.util.Primitive): string {
  return typeof value === 'symbol' ? value.toString() : String(value)
}

function joinWords(words: readonly string[]): string {
  return words.length < 3 ? words.join(' or ') : `one of ${words.join(', ')}`
}

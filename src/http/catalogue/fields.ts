// Describes the members of a schema: for docs/api.md, and for the page that tries the API.

import { z } from 'zod'
import { OBJECTS } from './schemas.ts'

export interface Field {
  readonly name: string
  /** Such as `integer, from 1 to 200`, `instant` or `list of Variant`. */
  readonly type: string
  readonly mayBeNull: boolean
  /** The words that it may have. Empty if it may have others. */
  readonly options: readonly string[]
  /** The object that it contains, by its name in OBJECTS. */
  readonly object: string | null
  readonly default: string | null
  readonly example: string | null
  readonly description: string
}

interface Described {
  readonly type?: string | readonly string[]
  readonly enum?: readonly string[]
  readonly anyOf?: readonly Described[]
  readonly $ref?: string
  readonly items?: Described
  readonly minimum?: number
  readonly maximum?: number
  readonly format?: string
  readonly default?: string | number | boolean | null
  readonly examples?: readonly (string | number)[]
  readonly description?: string
  readonly properties?: Readonly<Record<string, Described>>
}

export function listFields(schema: z.ZodType): Field[] {
  return Object.entries(readMembers(schema)).map(([name, member]) => {
    const one = withoutNull(member)
    return {
      name,
      type: formatType(one),
      mayBeNull: isNull(member) || (member.anyOf ?? []).some(isNull),
      options: one.enum ?? [],
      object: one.$ref ?? one.items?.$ref ?? null,
      default: member.default == null ? null : String(member.default),
      example: member.examples?.[0]?.toString() ?? null,
      description: member.description ?? '',
    }
  })
}

/** Describes a response: `Product`, `{"items":[Product],"next"}`, or the type of an export. */
export function nameResult(result: z.ZodType | string): string {
  if (typeof result === 'string') return result
  const own = findName(result)
  if (own !== null) return own
  const { items, ...others } = readMembers(result)
  const item = items?.items?.$ref
  const names = Object.keys(others).map((name) => `,"${name}"`)
  return item === undefined ? 'JSON' : `{"items":[${item}]${names.join('')}}`
}

/** The object that a response consists of, or the items of its page. Null for others. */
export function findResultObject(result: z.ZodType | string): string | null {
  if (typeof result === 'string') return null
  return findName(result) ?? readMembers(result)['items']?.items?.$ref ?? null
}

function findName(schema: z.ZodType): string | null {
  return Object.entries(OBJECTS).find(([, one]) => one === schema)?.[0] ?? null
}

function readMembers(schema: z.ZodType): Readonly<Record<string, Described>> {
  const all = z.registry<{ id: string }>()
  for (const [id, one] of Object.entries(OBJECTS)) if (one !== schema) all.add(one, { id })
  all.add(schema, { id: 'this' })
  const { schemas } = z.toJSONSchema(all, { io: 'input', uri: (id) => id, unrepresentable: 'any' })
  const described = schemas['this'] as Described | undefined
  return described?.properties ?? {}
}

function isNull({ type = [] }: Described): boolean {
  return [type].flat().includes('null')
}

function withoutNull(member: Described): Described {
  const [only] = member.anyOf?.filter((one) => !isNull(one)) ?? []
  return only ?? member
}

function formatType(one: Described): string {
  if (one.$ref !== undefined) return one.$ref
  if (one.type === 'array' && one.items) return `list of ${formatType(one.items)}`
  if (one.enum) return 'word'
  if (one.format === 'date-time') return 'instant'
  const { minimum: from, maximum: to = Number.MAX_SAFE_INTEGER } = one
  const least = from === undefined || from < 0 ? '' : `, from ${from}`
  const most = to < Number.MAX_SAFE_INTEGER ? ` to ${to}` : ''
  const type = [one.type ?? []].flat().find((name) => name !== 'null') ?? 'any'
  return `${type}${least}${most}`
}

// Changes the schedule, the limits and the options of a source by the forms of its page, with the checks of
// `shelfsync sources set`. Only what differs is saved and recorded.

import { z } from 'zod'
import { checkValue, formatProblems } from '../../../core/check-value.ts'
import { SyncError } from '../../../core/errors.ts'
import { parseJsonOrText, type Json } from '../../../core/json.ts'
import { Policy } from '../../../core/policy.ts'
import {
  AGE_WORDS,
  FULL_ON,
  HOT_AGE_MINUTES,
  KEYS_MAX,
  parseAge,
  REFRESH_AGE_MINUTES,
  REFRESHED,
  type RefreshSchedule,
} from '../../../core/schedule.ts'
import { SourceOptions } from '../../../core/source-options.ts'
import { loadSource, type Source } from '../../../db/sources.ts'
import { changeHot, changeSource, type SourceChange } from '../../../db/write/source-changes.ts'
import { formatSchedule, formatSettings } from '../../../format/source.ts'
import { cutText } from '../../../lib/text.ts'
import { formatQuantity } from '../../../lib/words.ts'
import { toSchedule, type ScheduleChanges } from '../../../sources/change-schedule.ts'
import type { ActionResult, DashboardServices, User } from '../page.ts'
import { FORM_LIMITS } from './limits.ts'

const text = z.string().trim().max(200)
const longText = z.string().trim().max(200_000)

/** Minutes; undefined for an empty field. */
const Age = text.transform((age, { addIssue }) => {
  const minutes = age === '' ? undefined : parseAge(age)
  if (minutes === null) addIssue(`It must be ${AGE_WORDS}.`)
  return minutes ?? undefined
})

export const ScheduleForm = z.object({
  cron: text,
  zone: text,
  fullOn: z.enum(FULL_ON),
  /** Empty for none. */
  refresh: text.optional(),
  refreshProducts: z.enum(REFRESHED).optional(),
  refreshAtMost: z.preprocess(
    (value) => (value === '' ? undefined : value),
    z.coerce.number().int().min(1).max(KEYS_MAX).optional(),
  ),
  refreshAge: Age.optional(),
  hotAge: Age.optional(),
})

export const LimitsForm = z.record(z.string(), text)

/** `filters` and `tags` are JSON; empty for none. */
export const OptionsForm = z.object({
  pack: text,
  unitPrice: text,
  filters: longText.default(''),
  tags: longText.default(''),
})

/** Ids, separated by commas or lines. */
const Ids = longText.transform((ids) =>
  ids
    .split(/[,\n]/)
    .map((id) => id.trim())
    .filter(Boolean),
)

export const HotForm = z.object({ hot: Ids.default([]), notHot: Ids.default([]) })

interface Editor {
  readonly services: Pick<DashboardServices, 'db' | 'connectors'>
  readonly user: User
  readonly name: string
}

export async function changeSchedule(
  { services, user, name }: Editor,
  { cron, zone, fullOn, ...given }: z.infer<typeof ScheduleForm>,
): Promise<ActionResult> {
  const source = await loadSource(services.db, name)
  const rest = { zone, fullOn }
  const refreshes = toRefreshChanges(source, given)
  // Without whole runs, the times of the refreshes are the schedule.
  const own =
    rest.fullOn === 'never' && refreshes.refresh === 'none' ? { refresh: cron } : refreshes
  const schedule = toSchedule(services, source, { ...rest, schedule: cron, ...own })
  const before = formatSchedule(source.schedule)
  const after = formatSchedule(schedule)
  if (before === after) return UNCHANGED
  return save(services, source, { by: user.name, schedule, detail: { schedule: after, before } })
}

type RefreshFields = Omit<z.infer<typeof ScheduleForm>, 'cron' | 'zone' | 'fullOn'>

function toRefreshChanges(
  { schedule }: Source,
  { refresh, refreshProducts, refreshAtMost, ...ages }: RefreshFields,
): ScheduleChanges & { readonly refresh: string } {
  if (refresh === undefined || refresh === '') return { refresh: 'none' }
  return {
    refresh,
    ...(refreshProducts && { refreshProducts }),
    ...(refreshAtMost !== undefined && { refreshAtMost }),
    ...(refreshProducts === 'due' && toAges(ages, schedule.refresh)),
  }
}

/** A default is stored only in the place of another time. */
function toAges(
  { refreshAge = REFRESH_AGE_MINUTES, hotAge = HOT_AGE_MINUTES }: RefreshFields,
  before?: RefreshSchedule,
): ScheduleChanges {
  const { ageMinutes = REFRESH_AGE_MINUTES, hotMinutes = HOT_AGE_MINUTES } = before ?? {}
  return {
    ...(refreshAge !== ageMinutes && { refreshAge }),
    ...(hotAge !== hotMinutes && { hotAge }),
  }
}

export async function changeHotProducts(
  { services, user, name }: Editor,
  { hot, notHot }: z.infer<typeof HotForm>,
): Promise<ActionResult> {
  const given = [...hot, ...notHot]
  if (given.length === 0) return UNCHANGED
  const changed = await changeHot(services.db, { source: name, by: user.name, hot, notHot })
  const marked = new Set(changed)
  const unknown = given.filter((id) => !marked.has(id))
  if (unknown.length > 0)
    throw new SyncError(
      'usage/invalid',
      `${name} does not refresh ${unknown.slice(0, 5).join(', ')} by age: import a product first. ` +
        'All others are changed',
    )
  return { notice: `${formatQuantity(marked.size, 'product')} of ${name} changed.` }
}

export async function changeLimits(
  { services, user, name }: Editor,
  form: z.infer<typeof LimitsForm>,
): Promise<ActionResult> {
  const source = await loadSource(services.db, name)
  const given = Object.fromEntries(
    FORM_LIMITS.flatMap(({ name: limit, read }) => {
      const value = read(form[limit])
      return value === undefined ? [] : [[limit, value]]
    }),
  )
  const { data, problems } = checkValue(Policy, { ...source.policy, ...given })
  if (problems !== null)
    throw new SyncError('usage/invalid', `The limits are not valid: ${formatProblems(problems)}`)
  const changed = listChanged(source.policy, data)
  if (changed.length === 0) return UNCHANGED
  const policy: Partial<Policy> = Object.fromEntries(changed)
  return save(services, source, { by: user.name, policy, detail: toDetail(changed) })
}

export async function changeOptions(
  { services, user, name }: Editor,
  form: z.infer<typeof OptionsForm>,
): Promise<ActionResult> {
  const source = await loadSource(services.db, name)
  const { data, problems } = checkValue(SourceOptions, {
    pack: form.pack,
    unitPrice: form.unitPrice,
    ...(form.filters !== '' && { filters: parseJsonOrText(form.filters) }),
    ...(form.tags !== '' && { tags: parseJsonOrText(form.tags) }),
  })
  if (problems !== null)
    throw new SyncError('usage/invalid', `The options are not valid: ${formatProblems(problems)}`)
  const stored = z.record(z.string(), z.json()).safeParse(source.options).data ?? {}
  const before = SourceOptions.safeParse(source.options).data ?? SourceOptions.parse({})
  const changed = listChanged(before, data)
  if (changed.length === 0) return UNCHANGED
  const options = { ...stored, ...toJson(Object.fromEntries(changed)) }
  return save(services, source, { by: user.name, options, detail: toDetail(changed) })
}

function toJson(members: Readonly<Record<string, unknown>>): Readonly<Record<string, Json>> {
  return z.record(z.string(), z.json()).parse(members)
}

const UNCHANGED: ActionResult = { notice: 'Nothing has changed.' }

async function save(
  { db }: Editor['services'],
  { name }: Source,
  change: Omit<SourceChange, 'source'>,
): Promise<ActionResult> {
  await changeSource(db, { source: name, ...change })
  return { notice: `${name} is changed: ${formatSettings(change.detail)}.` }
}

/** The members of `after` that differ. Both were parsed, so that their members have one order. */
function listChanged<Value>(
  before: object,
  after: Readonly<Record<string, Value>>,
): [name: string, value: Value][] {
  const values = new Map<string, unknown>(Object.entries(before))
  return Object.entries(after).filter(
    ([name, value]) => JSON.stringify(values.get(name)) !== JSON.stringify(value),
  )
}

/** Filters and tags may be long. */
function toDetail(
  changed: readonly (readonly [string, unknown])[],
): Readonly<Record<string, Json>> {
  const members = Object.entries(toJson(Object.fromEntries(changed)))
  return Object.fromEntries(
    members.map(([name, value]) => [
      name,
      value instanceof Object ? cutText(JSON.stringify(value), 200) : value,
    ]),
  )
}

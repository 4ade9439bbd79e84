// Changes the schedule, the limits and the options of a source by the forms of its page, with the checks of
// `shelfsync sources set`. Only what differs is saved and recorded.

import { z } from 'zod'
import { checkValue, formatProblems } from '../../../core/check-value.ts'
import { SyncError } from '../../../core/errors.ts'
import type { Json } from '../../../core/json.ts'
import { Policy } from '../../../core/policy.ts'
import { FULL_ON, KEYS_MAX, REFRESHED } from '../../../core/schedule.ts'
import { SourceOptions } from '../../../core/source-options.ts'
import { loadSource, type Source } from '../../../db/sources.ts'
import { changeSource, type SourceChange } from '../../../db/write/source-changes.ts'
import { formatSchedule, formatSettings } from '../../../format/source.ts'
import { toSchedule } from '../../../sources/change-schedule.ts'
import type { ActionResult, DashboardServices, User } from '../page.ts'
import { FORM_LIMITS } from './limits.ts'

const text = z.string().trim().max(200)

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
})

export const LimitsForm = z.record(z.string(), text)

export const OptionsForm = z.object({ pack: text, unitPrice: text })

interface Editor {
  readonly services: Pick<DashboardServices, 'db' | 'connectors'>
  readonly user: User
  readonly name: string
}

export async function changeSchedule(
  { services, user, name }: Editor,
  { cron, refresh, refreshProducts, refreshAtMost, ...rest }: z.infer<typeof ScheduleForm>,
): Promise<ActionResult> {
  const source = await loadSource(services.db, name)
  const refreshes =
    refresh === undefined || refresh === ''
      ? { refresh: 'none' }
      : {
          refresh,
          ...(refreshProducts && { refreshProducts }),
          ...(refreshAtMost !== undefined && { refreshAtMost }),
        }
  // Without whole runs, the times of the refreshes are the schedule.
  const own =
    rest.fullOn === 'never' && refreshes.refresh === 'none' ? { refresh: cron } : refreshes
  const schedule = toSchedule(services, source, { ...rest, schedule: cron, ...own })
  const before = formatSchedule(source.schedule)
  const after = formatSchedule(schedule)
  if (before === after) return UNCHANGED
  return save(services, source, { by: user.name, schedule, detail: { schedule: after, before } })
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
  const { problems } = checkValue(SourceOptions, form)
  if (problems !== null)
    throw new SyncError('usage/invalid', `The options are not valid: ${formatProblems(problems)}`)
  const stored = z.record(z.string(), z.json()).safeParse(source.options).data ?? {}
  const before = SourceOptions.safeParse(source.options).data ?? SourceOptions.parse({})
  const changed = listChanged(before, form)
  if (changed.length === 0) return UNCHANGED
  const options = { ...stored, ...Object.fromEntries(changed) }
  return save(services, source, { by: user.name, options, detail: toDetail(changed) })
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

/** The members of `after` that differ. Their values are texts, numbers or switches. */
function listChanged<Value>(
  before: object,
  after: Readonly<Record<string, Value>>,
): [name: string, value: Value][] {
  const values = new Map<string, unknown>(Object.entries(before))
  return Object.entries(after).filter(([name, value]) => values.get(name) !== value)
}

function toDetail(
  changed: readonly (readonly [string, unknown])[],
): Readonly<Record<string, Json>> {
  return Object.fromEntries(changed.map(([name, value]) => [name, z.json().parse(value)]))
}

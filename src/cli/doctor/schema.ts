// The checks of `shelfsync doctor` for the objects of the schema, and for the tables of the queue.

import {
  listSchemaDamage,
  summarizeDamage,
  type SchemaDamage,
} from '../../db/migrate/schema-objects.ts'
import type { Db } from '../../db/pool.ts'
import { type Check, toFailedCheck } from './check.ts'
import { formatQuantity } from '../../lib/words.ts'

const OBJECTS_SHOWN = 5

/** Compares the objects in a fully migrated database with those that the migrations create. */
export async function checkSchema(db: Db): Promise<Check> {
  const name = 'schema'
  const damage = summarizeDamage(await listSchemaDamage(db))
  if (damage.length === 0)
    return { name, state: 'ok', message: 'every object is as the migrations create it' }
  const shown = damage.slice(0, OBJECTS_SHOWN)
  const others = damage.length - shown.length
  const listed = shown.map(({ object, state }) => `${object} is ${state}`).join(', ')
  return {
    name,
    state: 'fail',
    message: `${listed}${others === 0 ? '' : `, and ${formatQuantity(others, 'more object')}`}`,
    hint: `As the owner: ${adviseRepair(shown)}`,
  }
}

/** The statements that repair the objects, or the files that have these statements. */
function adviseRepair(damage: readonly SchemaDamage[]): string {
  const statements = damage.flatMap((one) => toStatement(one) ?? [])
  const files = new Set(damage.filter((one) => toStatement(one) === null).map(({ file }) => file))
  const advice = [...files].map((file) => `run its statement in supabase/migrations/${file} again`)
  return [...statements, ...advice].join(' ')
}

function toStatement({ object }: SchemaDamage): string | null {
  const [, table] = /^row security of (.*)$/.exec(object) ?? []
  if (table !== undefined) return `alter table ${table} enable row level security;`
  return object.startsWith('grant ') ? `${object};` : null
}

/** The services need the tables; a sync of the command line does not. */
export async function checkQueueTables(db: Db): Promise<Check> {
  const name = 'queue'
  const { requireQueueSchema } = await import('../../jobs/queues.ts')
  try {
    await requireQueueSchema(db)
    return { name, state: 'ok', message: 'the tables of the queue are up to date' }
  } catch (error) {
    return {
      ...toFailedCheck(name, error),
      state: 'warn',
      hint: '`shelfsync serve` needs them: run `shelfsync migrate`.',
    }
  }
}

// Writes supabase/db/objects.json: the objects that each migration creates, for `doctor` and
// `migrate`. It applies the migrations one by one to a test database.

import { openTestDatabase } from '../test/support/database.ts'
import { migrate } from '../src/db/migrate/migrate.ts'
import { listMigrations } from '../src/db/migrate/migration-files.ts'
import { listObjects } from '../src/db/migrate/schema-objects.ts'
import { writeGenerated } from './support/generated.ts'

const { pool, drop } = await openTestDatabase({ after: () => undefined }, { migrations: [] })
const migrations = await listMigrations()
/** The file that created or changed each object last. */
const files = new Map<string, string>()
let before = new Map<string, string>()
for (const [index, { file }] of migrations.entries()) {
  await migrate(pool, { migrations: migrations.slice(0, index + 1) })
  const after = await listObjects(pool)
  for (const [name, hash] of after) if (before.get(name) !== hash) files.set(name, file)
  before = after
}
const objects = Object.fromEntries(
  migrations.map(({ file }) => [
    file,
    Object.fromEntries([...before].filter(([name]) => files.get(name) === file)),
  ]),
)
await writeGenerated({ 'supabase/db/objects.json': `${JSON.stringify(objects, null, 2)}\n` })
await drop()

// Writes supabase/db/init.sql from the migrations.

import { renderInitSql } from '../src/db/migrate/init-sql.ts'
import { listMigrations } from '../src/db/migrate/migrate.ts'
import { writeGenerated } from './support/generated.ts'

await writeGenerated({ 'supabase/db/init.sql': renderInitSql(await listMigrations()) })

// The whole schema as one script for an SQL editor: all migrations and their records, in one
// transaction. scripts/write-migrations.ts writes it to supabase/db/init.sql.

import type { Migration } from './migration-files.ts'
import { RECORDS_SQL } from './migration-records.ts'

/** The script refuses a database that has a migration already. `shelfsync migrate` can follow it. */
export function renderInitSql(migrations: readonly Migration[]): string {
  const records = migrations.map(
    ({ version, name, checksum }) => `  ('${version}', '${name}', '${checksum}')`,
  )
  const parts = [
    `-- Shelfsync's schema, for Postgres 15, 16, 17 and 18. Run it once, on a database without the schema.
-- Afterwards \`shelfsync migrate\` applies newer migrations.
-- Generated from supabase/migrations by scripts/write-migrations.ts: do not edit.

begin;
set local statement_timeout = 0;

${RECORDS_SQL}

do $$
begin
  if exists (select from catalog.migrations) then
    raise exception 'Shelfsync is already installed in this database: run "shelfsync migrate" instead.';
  end if;
end
$$;`,
    ...migrations.map(({ file, sql }) => `-- ${file}\n\n${close(sql.trim())}`),
    `insert into catalog.migrations (version, name, checksum) values\n${records.join(',\n')};\n\ncommit;\n`,
  ]
  return parts.join('\n\n')
}

/** The last statement of a file may lack its semicolon. */
function close(sql: string): string {
  return sql.endsWith(';') ? sql : `${sql}\n;`
}

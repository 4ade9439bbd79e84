// The whole schema as one script, to paste into an SQL editor: all migrations and their records, in
// one transaction. Generated into supabase/db/init.sql; the check compares.

import { type Migration, RECORDS_SQL } from './migrate.ts'

/**
 * Refuses a database that has any migration already; a later `shelfsync migrate` goes on from what
 * it recorded.
 */
export function renderInitSql(migrations: readonly Migration[]): string {
  const records = migrations.map(
    ({ version, name, checksum }) => `  ('${version}', '${name}', '${checksum}')`,
  )
  const parts = [
    `-- Shelfsync's schema, for Postgres 15 or newer. Run it once on a database without it; later, \`shelfsync migrate\` does the rest.
-- Generated from supabase/migrations by scripts/write-migrations.ts: do not edit.

begin;
set local statement_timeout = 0;

${RECORDS_SQL}

do $$
begin
  if exists (select from catalog.migrations) then
    raise exception 'Shelfsync is installed here already: run "shelfsync migrate" instead.';
  end if;
end
$$;`,
    ...migrations.map(({ file, sql }) => `-- ${file}\n\n${close(sql.trim())}`),
    `insert into catalog.migrations (version, name, checksum) values\n${records.join(',\n')};\n\ncommit;\n`,
  ]
  return parts.join('\n\n')
}

/** Alone, a file need not end its last statement. */
function close(sql: string): string {
  return sql.endsWith(';') ? sql : `${sql}\n;`
}

// Settings of the database.

import { z } from 'zod'
import { ROLES } from '../core/roles.ts'
import { parsePostgresUrl } from './connection-address.ts'
import { plain, secret } from './setting.ts'
import { connectionAddress } from './value-schemas.ts'

const PostgresAddress = connectionAddress(/^postgres(ql)?:\/\//, 'a postgres:// address').refine(
  (text) => parsePostgresUrl(text) !== null,
  {
    error: 'an address of the form postgres://user:password@host:5432/database, with one host',
    abort: true,
  },
)

export const databaseSettings = {
  DATABASE_URL: secret(PostgresAddress, {
    description:
      'The Postgres to write to: a direct or session-mode connection, Postgres 15 or newer. `embedded` selects the embedded Postgres, even when SUPABASE_URL is set. ' +
      'In the user name and password write `/`, `?`, `#`, `@`, `%` and blanks as %2F, %3F, %23, %40, %25 and %20. ' +
      '`sslrootcert=system` verifies the host by the public certificates that Node contains and those in NODE_EXTRA_CA_CERTS.',
    default: 'an embedded Postgres in SHELFSYNC_HOME',
    example: 'postgres://user:password@db.example:5432/postgres',
    readBy: ROLES,
  }),
  MIGRATE_DATABASE_URL: secret(PostgresAddress, {
    description:
      'The login of the owner of the schema, with which `deploy/fly/deploy.sh` migrates from your machine. No service gets it, and commands use DATABASE_URL.',
    default: 'none',
    example: 'postgres://owner:password@db.example:5432/postgres',
    readBy: [],
  }),
  SHELFSYNC_HOME: plain(
    z.string().refine((text) => !/^~[^/]/.test(text), {
      error: 'a folder; `~` works only for your own home',
    }),
    {
      description: 'The folder of the embedded database and of the artifacts; `~/` is your home.',
      default: '.shelfsync',
      example: '/var/lib/shelfsync',
      readBy: ROLES,
    },
  ),
}

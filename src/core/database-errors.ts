// The part of the error table for the database. `ERRORS` checks its form.

export const DATABASE_ERRORS = {
  'db/unreachable': {
    action: 'retry',
    status: 503,
    hint:
      'Check DATABASE_URL (or SUPABASE_URL) and that the server runs. A running sync waits ' +
      'for it.',
  },
  'db/full': {
    action: 'retry',
    status: 507,
    hint: 'Give the database more disk space. The run waits for it and continues.',
  },
  // https://supabase.com/docs/guides/platform/database-size
  'db/read-only': {
    action: 'retry',
    status: 503,
    hint:
      'Supabase makes a database read-only while its disk is full: enlarge the disk. ' +
      'Otherwise the database or the role is set so: `alter database … reset ' +
      'default_transaction_read_only`. A run waits for it.',
  },
  'db/busy': {
    action: 'retry',
    status: 503,
    hint:
      'Postgres is out of memory, connections or time. The run waits and continues; check ' +
      'what else uses the server.',
  },
  'db/denied': {
    action: 'stop',
    status: 500,
    hint: "Put a login with this right into DATABASE_URL: for a service that of its role, for the command line the owner's. See docs/services.md.",
  },
  'db/unsuitable': {
    action: 'stop',
    status: 500,
    hint: 'Use a direct or session-mode connection to Postgres 15 or newer.',
  },
  'db/not-exposed': {
    action: 'stop',
    status: 500,
    hint:
      'Add the schema to the exposed schemas, in the settings of the project under Data ' +
      'API. See docs/operations.md.',
  },
  'db/not-migrated': {
    action: 'stop',
    status: 500,
    hint:
      'Run `shelfsync migrate`; without DATABASE_URL paste supabase/db/init.sql into the ' +
      'SQL editor.',
  },
  'db/migration-failed': {
    action: 'stop',
    status: 500,
    hint:
      'Correct what the message names, then run `shelfsync migrate` again. Nothing of the ' +
      'migration was applied. A migration that was applied must not change.',
  },
} as const

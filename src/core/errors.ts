// One error class, and one table that says what each code means for the run and for the person who
// reads it.

/**
 * What the caller does about an error:
 * `retry` the step later · `quarantine` the record · `stop` the run, a person must act.
 */
export type Action = 'retry' | 'quarantine' | 'stop'

interface Policy {
  readonly action: Action
  /** The HTTP status that our own faces answer with when this error reaches them. */
  readonly status: number
  /** What the operator can do about it. */
  readonly hint: string
}

export const ERRORS = {
  'source/rate-limited': {
    action: 'retry',
    status: 503,
    hint: 'The supplier asked us to slow down. A run waits and goes on by itself; else try again later.',
  },
  'source/unavailable': {
    action: 'retry',
    status: 503,
    hint: 'Check the address. If it is right, the supplier has a problem: try again later. A run that was begun resumes.',
  },
  'source/cut-short': {
    action: 'retry',
    status: 503,
    hint: 'The supplier ended its answer too early: try again. A run that was begun resumes where it was cut.',
  },
  'source/too-slow': {
    action: 'retry',
    status: 503,
    hint: 'The supplier sends next to nothing. What arrived is archived: try again, and the run goes on behind it.',
  },
  'source/unauthorized': {
    action: 'stop',
    status: 502,
    hint: 'Check the key: its id, its secret, and that the supplier has not revoked it.',
  },
  'source/rejected': {
    action: 'stop',
    status: 502,
    hint: 'The supplier refused the request itself. Read its message; its API may have changed.',
  },
  'source/blocked': {
    action: 'stop',
    status: 502,
    hint: 'A bot protection answered instead of the shop. Ask the owner for access; do not evade it.',
  },
  'source/password': {
    action: 'stop',
    status: 502,
    hint: 'The shop is closed behind a password page.',
  },
  'source/closed': {
    action: 'stop',
    status: 502,
    hint: 'The platform has closed this shop (frozen or locked). Only its owner can open it again.',
  },
  'source/gone': {
    action: 'stop',
    status: 502,
    hint: 'The address answers "not found". Check it, or pause the source with `shelfsync sources pause NAME`.',
  },
  'source/malformed': {
    action: 'stop',
    status: 502,
    hint: 'The answer is not in the format of this connector. See the reason, and `shelfsync artifacts cat RUN` if there was a run.',
  },
  'source/not-recognised': {
    action: 'stop',
    status: 422,
    hint: 'No connector knows this address. Check it, or name the connector.',
  },
  'source/too-large': {
    action: 'stop',
    status: 502,
    hint: 'The answer passes a limit. Raise the limit only if the supplier is trusted.',
  },
  'source/address-refused': {
    action: 'stop',
    status: 422,
    hint: 'Requests go to public addresses only, and a key goes to its supplier only. Name hosts of your own in ALLOW_PRIVATE_HOSTS; of another host the message says more.',
  },
  'source/unknown': {
    action: 'stop',
    status: 404,
    hint: 'List the sources with `shelfsync sources`, or add one with `shelfsync add`.',
  },
  'source/exists': {
    action: 'stop',
    status: 409,
    hint: 'Choose another --name, or change the existing source.',
  },
  'source/paused': {
    action: 'stop',
    status: 409,
    hint: 'Resume it with `shelfsync sources resume NAME`.',
  },
  'record/unreadable': {
    action: 'quarantine',
    status: 422,
    hint: 'The line is not JSON. It is kept in quarantine with its bytes.',
  },
  'record/too-large': {
    action: 'quarantine',
    status: 422,
    hint: 'The record passes the size limit. It is kept in the artifact.',
  },
  'record/no-id': {
    action: 'quarantine',
    status: 422,
    hint: 'The record has no id, so it cannot be matched to a product.',
  },
  'record/invalid': {
    action: 'quarantine',
    status: 422,
    hint: 'The record has not the shape that the supplier documents.',
  },
  'run/active': {
    action: 'stop',
    status: 409,
    hint: 'Another process syncs this source. Wait for it, or look at `shelfsync status`.',
  },
  'run/fenced': {
    action: 'stop',
    status: 409,
    hint: 'Another process has taken this run over. Nothing was written here.',
  },
  'run/over': {
    action: 'stop',
    status: 409,
    hint: 'The run has ended or went to another process. Nothing was written here.',
  },
  'run/unknown': { action: 'stop', status: 404, hint: 'List the runs with `shelfsync runs`.' },
  'run/not-held': {
    action: 'stop',
    status: 409,
    hint: 'Only a held run can be approved or rejected.',
  },
  'run/cancelled': { action: 'stop', status: 409, hint: 'Run `shelfsync sync` again: it resumes.' },
  'run/too-many-quarantined': {
    action: 'stop',
    status: 422,
    hint: 'Read the reasons with `shelfsync quarantine`: the supplier may have changed its format. Nothing is lost; what arrived is archived. If so many bad records are expected, raise the policy quarantineShare with `shelfsync sources set`.',
  },
  'run/no-artifact': {
    action: 'stop',
    status: 409,
    hint: 'See what is archived with `shelfsync artifacts list`; a sync fetches anew.',
  },
  'review/unknown': {
    action: 'stop',
    status: 404,
    hint: 'List the open reviews with `shelfsync reviews`.',
  },
  'artifact/corrupt': {
    action: 'stop',
    status: 500,
    hint: 'The stored bytes differ from their checksum. Restore them or sync again.',
  },
  'artifact/missing': {
    action: 'stop',
    status: 500,
    hint: 'The stored bytes are gone, or another machine has them in a folder of its own: processes on several machines need one store in ARTIFACTS. Restore them or sync again.',
  },
  'artifact/unwritable': {
    action: 'retry',
    status: 507,
    hint: 'The artifact store took no bytes. Check its disk space and permissions.',
  },
  'artifact/unavailable': {
    action: 'retry',
    status: 503,
    hint: 'The artifact store did not answer. The step is tried again; if it lasts, check the address and its status page.',
  },
  'settings/invalid': {
    action: 'stop',
    status: 500,
    hint: 'Correct the settings named above; `.env.example` explains each.',
  },
  'db/unreachable': {
    action: 'retry',
    status: 503,
    hint: 'Check DATABASE_URL (or SUPABASE_URL) and that the server runs. A run under way waits for it.',
  },
  'db/full': {
    action: 'retry',
    status: 507,
    hint: 'Give the database more disk space. The run waits for it and goes on.',
  },
  // https://supabase.com/docs/guides/platform/database-size
  'db/read-only': {
    action: 'retry',
    status: 503,
    hint: 'Supabase does that while the disk is full: give it more. Else it is set for the database or the role: `alter database … reset default_transaction_read_only`. A run waits for it.',
  },
  'db/busy': {
    action: 'retry',
    status: 503,
    hint: 'Postgres is out of memory, connections or time. The run waits and goes on; see what else it is doing.',
  },
  'db/denied': {
    action: 'stop',
    status: 500,
    hint: "Put the login that has the right into DATABASE_URL: of each service that of its role, of the command line the owner's. See docs/services.md.",
  },
  'db/unsuitable': {
    action: 'stop',
    status: 500,
    hint: 'Use a direct or session-mode connection to Postgres 15 or newer.',
  },
  'db/not-exposed': {
    action: 'stop',
    status: 500,
    hint: "Add the schema to the exposed ones, in the project's settings under Data API. See docs/operations.md.",
  },
  'db/not-migrated': {
    action: 'stop',
    status: 500,
    hint: 'Run `shelfsync migrate`; without DATABASE_URL paste supabase/db/init.sql into the SQL editor.',
  },
  'db/migration-failed': {
    action: 'stop',
    status: 500,
    hint: 'Read the message. Nothing of the file was applied; a file that was applied must not change any more.',
  },
  'request/invalid': {
    action: 'stop',
    status: 400,
    hint: 'Correct what the message names. docs/http.md lists what each route takes.',
  },
  'request/unauthorized': {
    action: 'stop',
    status: 401,
    hint: 'Send the value of ADMIN_KEY in the header X-ADMIN-KEY.',
  },
  'request/unknown-path': {
    action: 'stop',
    status: 404,
    hint: 'docs/http.md lists the routes of each service and its port.',
  },
  'request/wrong-method': {
    action: 'stop',
    status: 405,
    hint: 'The header Allow names the methods of this path.',
  },
  'request/too-large': {
    action: 'stop',
    status: 413,
    hint: 'Send less: no route needs more than a few lines.',
  },
  'request/not-json': {
    action: 'stop',
    status: 415,
    hint: 'Send JSON, with the header Content-Type: application/json.',
  },
  'request/too-many-failures': {
    action: 'stop',
    status: 429,
    hint: 'Too many requests came without the right key. Wait as long as the header Retry-After says.',
  },
  'queue/unreachable': {
    action: 'retry',
    status: 503,
    hint: 'Check QUEUE_URL and that Redis runs. Runs are in Postgres: nothing is lost.',
  },
  'job/unknown': {
    action: 'stop',
    status: 404,
    hint: 'List the dead letters with `shelfsync jobs`.',
  },
  'usage/invalid': { action: 'stop', status: 400, hint: 'See --help.' },
} as const satisfies Record<string, Policy>

export type ErrorCode = keyof typeof ERRORS

interface Context {
  readonly cause?: unknown
  /** Facts for machines: never a secret, never a whole record. */
  readonly detail?: Readonly<Record<string, unknown>>
}

/**
 * An error that we named. Anything else that is thrown is a bug, and is shown to nobody outside.
 */
export class SyncError extends Error {
  override readonly name = 'SyncError'
  readonly code: ErrorCode
  readonly detail: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, { cause, detail = {} }: Context = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.detail = detail
  }

  get action(): Action {
    return ERRORS[this.code].action
  }

  get hint(): string {
    return ERRORS[this.code].hint
  }
}

/** Whether `error` is ours and asks for `action`. */
export function asks(error: unknown, action: Action): error is SyncError {
  return error instanceof SyncError && error.action === action
}

/** What was thrown, in its own words. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Whether `error` is a cancellation, which is not a failure. */
export function isAbort(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.name === 'AbortError' || (error instanceof SyncError && error.code === 'run/cancelled'))
  )
}

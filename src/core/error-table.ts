// Every error code: its action, its HTTP status, and the hint that the operator reads.
// docs/errors.md is generated from this table.

import { DATABASE_ERRORS } from './database-errors.ts'
import { FEED_ERRORS } from './feed-errors.ts'
import { IMAGE_ERRORS, MODEL_ERRORS } from './downstream-errors.ts'
import { REQUEST_ERRORS } from './request-errors.ts'
import { SOURCE_ERRORS } from './source-errors.ts'

/**
 * The reaction to an error: `retry` the step later, `quarantine` the record, or `stop` the run
 * until the operator has acted.
 */
export type Action = 'retry' | 'quarantine' | 'stop'

interface ErrorPolicy {
  readonly action: Action
  /** Status of the HTTP response when this error ends a request to Shelfsync. */
  readonly status: number
  /** Advice to the operator. */
  readonly hint: string
}

export const ERRORS = {
  ...SOURCE_ERRORS,

  'record/unreadable': {
    action: 'quarantine',
    status: 422,
    hint:
      'The line is not JSON. Read its bytes with `shelfsync quarantine show ID`, and report ' +
      'it to the supplier; a later run with a valid record closes it.',
  },
  'record/too-large': {
    action: 'quarantine',
    status: 422,
    hint:
      'The record exceeds the size limit. Find its bytes in the artifact with `shelfsync ' +
      'quarantine show ID`, and report it to the supplier.',
  },
  'record/no-id': {
    action: 'quarantine',
    status: 422,
    hint:
      'The record does not have an id, so it cannot be matched to a product. Read it with ' +
      '`shelfsync quarantine show ID`, and report it to the supplier.',
  },
  'record/invalid': {
    action: 'quarantine',
    status: 422,
    hint:
      'The record does not match the documented format. Read the reason and the bytes with ' +
      '`shelfsync quarantine show ID`. If the supplier changed its format, install a ' +
      'version that supports it, then run `shelfsync quarantine replay NAME`.',
  },

  'run/active': {
    action: 'stop',
    status: 409,
    hint: 'Another process syncs this source. Wait for it; `shelfsync status` shows its progress.',
  },
  'run/nothing-due': {
    action: 'stop',
    status: 409,
    hint:
      'Wait: the schedule refreshes each product when it is due. Name products to refresh them now: ' +
      '`shelfsync sync NAME --keys …`.',
  },
  'run/fenced': {
    action: 'stop',
    status: 409,
    hint:
      'Another process has taken over this run. Watch it with `shelfsync runs show ID`. ' +
      'This process wrote nothing after that.',
  },
  'run/over': {
    action: 'stop',
    status: 409,
    hint:
      'The run has ended or another process has taken it over: see `shelfsync runs show ' +
      'ID`. This process wrote nothing after that.',
  },
  'run/ended': {
    action: 'stop',
    status: 409,
    hint:
      'It stays unchanged. Read how it ended with `shelfsync runs show ID`, or start a new ' +
      'run with `shelfsync sync NAME`.',
  },
  'run/unknown': { action: 'stop', status: 404, hint: 'List the runs with `shelfsync runs`.' },
  'alert/not-sent': {
    action: 'stop',
    status: 502,
    hint: 'Correct SLACK_WEBHOOK_URL or SENTRY_DSN, then send a message with `shelfsync alerts test`.',
  },
  'alert/unknown': {
    action: 'stop',
    status: 404,
    hint: 'List the open alerts with `shelfsync alerts`.',
  },
  'run/not-held': {
    action: 'stop',
    status: 409,
    hint:
      'Only a held run can be approved or rejected. List the held ones with `shelfsync ' +
      'reviews`.',
  },
  'run/cancelled': {
    action: 'stop',
    status: 409,
    hint: 'A person ended this run; its archive stays. Start a new run with `shelfsync sync NAME`.',
  },
  'run/too-many-quarantined': {
    action: 'stop',
    status: 422,
    hint:
      'Read the reasons with `shelfsync quarantine`: the supplier may have changed its ' +
      'format. Every record that arrived is archived. If that many are expected, raise ' +
      'quarantineShare with `shelfsync sources set NAME --policy`.',
  },
  'run/no-artifact': {
    action: 'stop',
    status: 409,
    hint: 'List the artifacts with `shelfsync artifacts list`; a sync fetches a new one.',
  },
  'review/unknown': {
    action: 'stop',
    status: 404,
    hint: 'List the open reviews with `shelfsync reviews`.',
  },
  'product/unknown': {
    action: 'stop',
    status: 404,
    hint:
      'Give the id of the supplier, a SKU, a GTIN, or the id of api.products. Search by ' +
      'title with `shelfsync products SOURCE WORDS`; list the quarantined records with ' +
      '`shelfsync quarantine`.',
  },
  'quarantine/unknown': {
    action: 'stop',
    status: 404,
    hint: 'List the quarantined records with `shelfsync quarantine`.',
  },

  'artifact/corrupt': {
    action: 'stop',
    status: 500,
    hint:
      'The stored bytes do not match their checksum. List what is damaged with `shelfsync ' +
      'artifacts verify`. Restore it from a copy, or run `shelfsync sync NAME --full`.',
  },
  'artifact/missing': {
    action: 'stop',
    status: 500,
    hint:
      'The stored bytes do not exist, or another machine has them in its own folder: ' +
      'processes on several machines need one store in ARTIFACTS. Restore them, or run ' +
      '`shelfsync sync NAME --full`.',
  },
  'artifact/unwritable': {
    action: 'retry',
    status: 507,
    hint: 'The artifact store refused the bytes. Check its disk space and permissions. A run waits for it and continues.',
  },
  'artifact/unavailable': {
    action: 'retry',
    status: 503,
    hint:
      'The artifact store did not respond, and the step is retried. If this lasts, check ' +
      'the address and the status page of the store.',
  },

  ...DATABASE_ERRORS,

  ...FEED_ERRORS,
  ...IMAGE_ERRORS,
  ...MODEL_ERRORS,

  ...REQUEST_ERRORS,

  'settings/invalid': {
    action: 'stop',
    status: 500,
    hint: 'Correct the settings named above; `.env.example` describes each.',
  },
  'queue/unreachable': {
    action: 'retry',
    status: 503,
    hint: 'Check QUEUE_URL and that Redis runs. Runs are stored in Postgres, so nothing is lost.',
  },
  'job/unknown': {
    action: 'stop',
    status: 404,
    hint: 'List the dead letters with `shelfsync jobs`.',
  },
  'usage/invalid': {
    action: 'stop',
    status: 400,
    hint: 'Correct the command line; --help lists its arguments and options.',
  },
} as const satisfies Record<string, ErrorPolicy>

export type ErrorCode = keyof typeof ERRORS

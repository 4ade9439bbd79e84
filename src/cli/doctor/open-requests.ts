// The HTTP clients of the requests that `shelfsync doctor` sends: with a database, each request takes
// its turn among those of all workers.

import type { Basics } from '../../app/compose.ts'
import { findDataApi, openDatabase } from '../../app/open-database.ts'
import { DataApi } from '../../db/data-api.ts'
import type { Http } from '../../core/http.ts'
import { wait } from '../../lib/back-off.ts'
import { limitRequests, type Requester } from '../../sources/limited-http.ts'

/** Returns the HTTP client for the requests of one source. */
export type ClientOf = (requester: Requester) => Http

export interface OpenRequests extends AsyncDisposable {
  readonly clientOf: ClientOf
}

/** @throws SyncError `db/…` */
export async function openRequests(basics: Basics): Promise<OpenRequests> {
  const { settings, http, log, requestIntervals } = basics
  await using opened = new AsyncDisposableStack()
  const project = findDataApi(settings)
  const { db } =
    project === null
      ? opened.use(await openDatabase(settings, { notify: () => undefined }))
      : { db: new DataApi(project) }
  const tools = { db, http, log, requestIntervals, options: { wait } }
  const kept = opened.move()
  return {
    clientOf: (requester) => limitRequests(tools, { ...requester, urgent: true }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

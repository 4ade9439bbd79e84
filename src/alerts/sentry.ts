// Sends alerts, failed runs and check-ins of schedules to Sentry. Uses the core of Sentry's SDK,
// which changes no global, and our own HTTP client: @sentry/node adds 70 MB and instruments the
// process. https://docs.sentry.io/platforms/javascript/guides/node/configuration/options/

import type { DataCollection, Event } from '@sentry/core'
import type { ServerRuntimeClient } from '@sentry/core/server'
import { messageOf } from '../core/errors.ts'
import type { Http } from '../core/http.ts'
import { VERSION } from '../core/version.ts'
import type { ReportedEnd } from '../db/alerts.ts'
import { parseRetryAfter } from '../lib/back-off.ts'
import { readBytes } from '../lib/read-body.ts'
import type { Redactor } from '../telemetry/redact.ts'
import { redactValue } from '../telemetry/redact-json.ts'
import { SendError, type Channel } from './channel.ts'
import type { Digest } from './digest.ts'

const TIMEOUT_MS = 10_000
const RESPONSE_BYTES_MAX = 64 * 1024
/** The grace after which a source is late, and a time no run should need. */
const MARGIN_MINUTES = 60
const RUN_MINUTES_MAX = 24 * 60

/**
 * Nothing is collected besides what this file states. Since version 11, a member that is missing here
 * would be on.
 */
const DATA_COLLECTION: Required<DataCollection> = {
  userInfo: false,
  cookies: false,
  httpHeaders: { request: false, response: false },
  httpBodies: [],
  urlQueryParams: false,
  graphQL: { document: false, variables: false },
  genAI: { inputs: false, outputs: false },
  mcp: { inputs: false, outputs: false },
  databaseQueryData: false,
  queues: false,
  stackFrameVariables: false,
  frameContextLines: 0,
}

export interface SentryTools {
  readonly http: Http
  readonly dsn: string
  readonly redact: Redactor
  readonly timeoutMs?: number
}

export async function openSentry(tools: SentryTools): Promise<Channel> {
  const { ServerRuntimeClient: Client, serializeEnvelope } = {
    ...(await import('@sentry/core')),
    ...(await import('@sentry/core/server')),
  }
  // The transport of the SDK drops what it cannot send, in silence. This one only collects: the database
  // knows what was sent, and what has to be sent again.
  const envelopes: (string | Uint8Array)[] = []
  let url = ''
  const client = new Client({
    dsn: tools.dsn,
    release: `shelfsync@${VERSION}`,
    integrations: [],
    stackParser: () => [],
    dataCollection: DATA_COLLECTION,
    sendClientReports: false,
    tracesSampleRate: 0,
    beforeSend: (event) => redactEvent(event, tools.redact),
    transport(options) {
      url = options.url
      return {
        send(envelope) {
          envelopes.push(serializeEnvelope(envelope))
          return Promise.resolve({})
        },
        flush: () => Promise.resolve(true),
      }
    },
  })
  client.init()
  /** Sends what was captured, until one is refused. @throws SendError */
  const flush = async (signal: AbortSignal): Promise<void> => {
    await client.flush()
    for (const envelope of envelopes.splice(0)) await sendEnvelope(tools, url, envelope, signal)
  }
  return {
    name: 'sentry',
    hasWeekly: false,
    async send({ title }, digest, signal) {
      if (digest === null) client.captureMessage(title, 'info')
      else captureDigest(client, digest)
      await flush(signal)
    },
    async reportEnds(ends, signal) {
      for (const end of ends) reportEnd(client, end, tools.redact)
      await flush(signal)
    },
  }
}

/** @throws SendError */
async function sendEnvelope(
  { http, redact, timeoutMs = TIMEOUT_MS }: SentryTools,
  url: string,
  envelope: string | Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  const request = {
    url,
    method: 'POST',
    headers: { 'content-type': 'application/x-sentry-envelope' },
    body: typeof envelope === 'string' ? envelope : new TextDecoder().decode(envelope),
    firstByteTimeoutMs: timeoutMs,
    idleTimeoutMs: timeoutMs,
    followsRedirects: false,
  } as const
  try {
    const response = await http(request, limited)
    await readBytes(response, RESPONSE_BYTES_MAX)
    if (response.status === 200) return
    const waitMs = parseRetryAfter(response.headers.get('retry-after'), Date.now())
    throw new SendError(`Sentry responded with ${response.status}`, waitMs)
  } catch (error) {
    if (error instanceof SendError || signal.aborted) throw error
    const cause = limited.aborted ? `no response within ${timeoutMs / 1000} s` : messageOf(error)
    throw new SendError(redact(`Sentry could not be reached: ${cause}`))
  }
}

/** Recoveries are not reported: Sentry resolves an issue that does not occur again. */
function captureDigest(client: ServerRuntimeClient, { opened }: Digest): void {
  for (const { id, kind, subject, source, run, reason } of opened)
    client.captureEvent({
      message: `${kind}: ${subject}: ${reason}`,
      level: 'warning',
      fingerprint: ['shelfsync', kind, subject],
      tags: { kind, ...(source !== null && { source }), ...(run !== null && { run }) },
      extra: { alert: id },
    })
}

function reportEnd(client: ServerRuntimeClient, end: ReportedEnd, redact: Redactor): void {
  if (end.state === 'failed')
    client.captureEvent({
      level: 'error',
      exception: {
        values: [{ type: end.error_code ?? 'internal', value: end.reason ?? 'The run failed' }],
      },
      fingerprint: ['shelfsync', 'run', end.source, end.error_code ?? 'internal'],
      tags: {
        source: end.source,
        run: end.run,
        kind: end.kind,
        correlation_id: end.correlation_id,
      },
    })
  if (end.kind !== 'full' && end.kind !== 'incremental') return
  if (end.state !== 'succeeded' && end.state !== 'held' && end.state !== 'failed') return
  client.captureCheckIn(
    {
      monitorSlug: `shelfsync-${redact(end.source)}`.slice(0, 50),
      status: end.state === 'failed' ? 'error' : 'ok',
    },
    {
      schedule: { type: 'crontab', value: end.schedule.cron },
      timezone: end.schedule.zone,
      checkinMargin: MARGIN_MINUTES,
      maxRuntime: RUN_MINUTES_MAX,
      failureIssueThreshold: 2,
      recoveryThreshold: 1,
    },
  )
}

/** Redacts every text of an event, and removes what the SDK adds about the machine. */
function redactEvent<Sent extends Event>(event: Sent, redact: Redactor): Sent {
  const { message, exception, tags, extra } = event
  delete event.server_name
  delete event.user
  delete event.request
  return Object.assign(
    event,
    redactValue(JSON.parse(JSON.stringify({ message, exception, tags, extra })), redact),
  )
}

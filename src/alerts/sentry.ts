// Sends alerts, failed runs, check-ins of schedules and unexpected errors to Sentry. Uses the core of
// Sentry's SDK, which changes no global, and our own HTTP client: @sentry/node adds 70 MB and
// instruments the process. https://docs.sentry.io/platforms/javascript/guides/node/configuration/options/

import type { DataCollection, Event } from '@sentry/core'
import type { ServerRuntimeClient } from '@sentry/core/server'
import { VERSION } from '../core/version.ts'
import type { ReportedEnd } from '../db/alerts.ts'
import type { ErrorReport } from '../telemetry/error-reports.ts'
import type { Redactor } from '../telemetry/redact.ts'
import { redactValue } from '../telemetry/redact-json.ts'
import { SendError, type Channel } from './channel.ts'
import type { Digest } from './digest.ts'
import { post, type PostTools } from './post.ts'

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

export interface SentryTools extends PostTools {
  readonly dsn: string
}

/** A client that collects what it captures until it is sent. */
interface Collector {
  readonly client: ServerRuntimeClient
  /** Sends what was captured, until one is refused. @throws SendError */
  send(signal: AbortSignal): Promise<void>
}

export async function openSentry(tools: SentryTools): Promise<Channel> {
  const { client, send } = await openCollector(tools)
  return {
    name: 'sentry',
    hasWeekly: false,
    async send({ title }, digest, signal) {
      if (digest === null) client.captureMessage(title, 'info')
      else captureDigest(client, digest)
      await send(signal)
    },
    async reportEnds(ends, signal) {
      for (const end of ends) reportEnd(client, end, tools.redact)
      await send(signal)
    },
  }
}

/** Sends one error. @throws SendError */
export type SendReport = (report: ErrorReport, signal: AbortSignal) => Promise<void>

/** It has its own client: each process sends its errors beside the alerts, which one process sends. */
export async function openErrorSender(tools: SentryTools): Promise<SendReport> {
  const [{ client, send }, { createStackParser }, { nodeStackLineParser }] = await Promise.all([
    openCollector(tools),
    import('@sentry/core'),
    import('@sentry/core/server'),
  ])
  const parseStack = createStackParser(nodeStackLineParser())
  return async ({ timestamp, level, message, exception, correlationId, facts }, signal) => {
    client.captureEvent({
      timestamp,
      message,
      level,
      ...(exception && {
        exception: {
          values: [
            {
              type: exception.type,
              value: exception.value,
              stacktrace: { frames: parseStack(exception.stack) },
            },
          ],
        },
      }),
      tags: { ...facts, ...(correlationId !== null && { correlation_id: correlationId }) },
    })
    await send(signal)
  }
}

async function openCollector(tools: SentryTools): Promise<Collector> {
  const { serializeEnvelope } = await import('@sentry/core')
  const { ServerRuntimeClient: Client } = await import('@sentry/core/server')
  // The transport of the SDK drops what it cannot send, in silence. This one only collects: its owner
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
  return {
    client,
    async send(signal) {
      await client.flush()
      for (const envelope of envelopes.splice(0)) await sendEnvelope(tools, url, envelope, signal)
    },
  }
}

/** @throws SendError */
async function sendEnvelope(
  tools: SentryTools,
  url: string,
  envelope: string | Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  const { status, retryAfterMs } = await post(
    tools,
    {
      service: 'Sentry',
      url,
      contentType: 'application/x-sentry-envelope',
      body: typeof envelope === 'string' ? envelope : new TextDecoder().decode(envelope),
      responseBytesMax: RESPONSE_BYTES_MAX,
    },
    signal,
  )
  if (status !== 200) throw new SendError(`Sentry responded with ${status}`, retryAfterMs)
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

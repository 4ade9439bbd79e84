// Alerts in a process of the services: every process takes part, with any role.

import { randomUUID } from 'node:crypto'
import { createReportSender, keepSendingReports, sendLastReports } from '../alerts/send-reports.ts'
import { openErrorSender, openSentry } from '../alerts/sentry.ts'
import { openSlack } from '../alerts/slack.ts'
import type { RecentCounts } from '../alerts/recent-counts.ts'
import { watchAlerts } from '../alerts/watch.ts'
import type { Channel } from '../alerts/channel.ts'
import type { Settings } from '../config/settings.ts'
import type { Http } from '../core/http.ts'
import { toSyncError } from '../db/errors.ts'
import { createAddressGuard } from '../node/address-guard.ts'
import { createHttp } from '../node/http-client.ts'
import { toErrorFacts } from '../telemetry/log.ts'
import { createRedactor, type Redactor } from '../telemetry/redact.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { Calendar } from '../sources/due.ts'
import type { ServiceTools } from './serve.ts'
import type { Lifespan } from './start-steps.ts'

type AlertTools = Pick<ServiceTools, 'settings' | 'db' | 'log' | 'outages' | 'reports'> & {
  readonly metrics: Metrics
}

/** Opens the channels that the settings name. The client of Sentry is loaded only then. */
export async function openChannels(
  { alerts, secrets }: Pick<Settings, 'alerts' | 'secrets'>,
  http: Http,
): Promise<Channel[]> {
  const redact: Redactor = createRedactor(secrets)
  const channels: Channel[] = []
  if (alerts.slackUrl !== null) channels.push(openSlack({ http, url: alerts.slackUrl, redact }))
  if (alerts.sentryDsn !== null)
    channels.push(await openSentry({ http, dsn: alerts.sentryDsn, redact }))
  return channels
}

export function openAlertHttp({ allowPrivateHosts, userAgent }: Settings) {
  return createHttp({ guard: createAddressGuard(allowPrivateHosts), userAgent })
}

/** Sends the errors that wait, within two seconds: for a process that is about to end. */
export type SendLastErrors = () => Promise<void>

/** Starts to take part, until the process stops. */
export async function startAlerts(
  tools: AlertTools,
  { opened, signal }: Lifespan,
  recent: RecentCounts,
): Promise<SendLastErrors> {
  const { settings, db, log, outages, metrics } = tools
  const http = openAlertHttp(settings)
  opened.defer(() => http.close())
  const channels = await openChannels(settings, http)
  for (const { name } of channels)
    metrics.count('shelfsync_alert_send_failures_total', { channel: name }, 0)
  const watching = watchAlerts(
    {
      db,
      log,
      channels,
      calendar: new Calendar(),
      process: randomUUID(),
      webUrl: settings.http.webUrl,
      signals: () => recent.read(),
      onSendFailure: (channel) => metrics.count('shelfsync_alert_send_failures_total', { channel }),
    },
    {
      signal,
      onError(error) {
        if (outages.failed(toSyncError(error), { work: 'alerts' })) return
        log.error(toErrorFacts(error), 'alerts could not be judged; trying again')
      },
    },
  )
  opened.defer(() => watching)
  return startReports(tools, http, { opened, signal })
}

async function startReports(
  { settings, log, metrics, reports }: AlertTools,
  http: Http,
  { opened, signal }: Lifespan,
): Promise<SendLastErrors> {
  const dsn = settings.alerts.sentryDsn
  if (dsn === null) return () => Promise.resolve()
  const send = await openErrorSender({ http, dsn, redact: createRedactor(settings.secrets) })
  const onSendFailure = (): void =>
    metrics.count('shelfsync_alert_send_failures_total', { channel: 'sentry' })
  const sendReports = createReportSender({ reports, send })
  const sending = keepSendingReports(sendReports, { log, onSendFailure }, signal)
  opened.defer(() => sending)
  return () => sendLastReports(sendReports)
}

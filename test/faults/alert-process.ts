// A process that takes part in sending alerts to Slack, until it is killed. It pauses for a moment only, so
// that tests need not wait.

import { watchAlerts } from '../../src/alerts/watch.ts'
import { openSlack } from '../../src/alerts/slack.ts'
import { openPool } from '../../src/db/pool.ts'
import { createAddressGuard } from '../../src/node/address-guard.ts'
import { createHttp } from '../../src/node/http-client.ts'
import { Calendar } from '../../src/sources/due.ts'
import { createLog } from '../../src/telemetry/log.ts'

export interface AlertProcess {
  readonly databaseUrl: string
  readonly slackUrl: string
  readonly process: string
}

const { databaseUrl, slackUrl, process: name } = JSON.parse(process.argv[2] ?? '') as AlertProcess
const http = createHttp({ guard: createAddressGuard(['127.0.0.1']), userAgent: 'test' })
await watchAlerts(
  {
    db: await openPool(databaseUrl, { applicationName: 'alerts' }),
    log: createLog({ level: 'info', secrets: [] }),
    channels: [openSlack({ http, url: slackUrl, redact: (text) => text })],
    calendar: new Calendar(),
    process: name,
    webUrl: null,
    signals: () => ({ waits: {}, wrongKeys: 0 }),
    onSendFailure: () => undefined,
  },
  {
    signal: new AbortController().signal,
    onError: (error) => console.error(error),
    pauseMs: 50,
  },
)

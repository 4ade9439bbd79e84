// Settings of alerts: where messages are sent. Both places are optional.

import { z } from 'zod'
import { ROLES } from '../core/roles.ts'
import { secret } from './setting.ts'
import { HttpUrl } from './value-schemas.ts'

const Dsn = z.string().refine(isDsn, {
  error: 'an address such as https://key@o1.ingest.sentry.io/2',
})

function isDsn(text: string): boolean {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) return false
  return url.username !== '' && /\/\d+$/.test(url.pathname)
}

export const alertSettings = {
  SLACK_WEBHOOK_URL: secret(HttpUrl, {
    description:
      'The incoming webhook of Slack that alerts are sent to. Give it to every process: any of them may send.',
    default: 'none: alerts are only on the page `/alerts` and in `shelfsync alerts`',
    example: 'https://hooks.slack.com/services/T000/B000/secret',
    readBy: ROLES,
  }),
  SENTRY_DSN: secret(Dsn, {
    description:
      'The DSN of a project in Sentry. Alerts, failed runs and unexpected errors become issues, and each schedule is a monitor. Give it to every process.',
    default: 'none',
    example: 'https://key@o1.ingest.sentry.io/2',
    readBy: ROLES,
  }),
}

/** A shorter end of a path may be a word. */
const TOKEN_CHARS_MIN = 16

/** The parts of the addresses that are secret alone: the path of the webhook, its token, and the key of the DSN. */
export function secretsOfAlerts(slackUrl = '', dsn = ''): string[] {
  const path = URL.parse(slackUrl)?.pathname.replace(/^\/(?:services\/)?/, '') ?? ''
  const token = path.slice(path.lastIndexOf('/') + 1)
  const key = URL.parse(dsn)?.username ?? ''
  return [path, token, key].filter(({ length }) => length >= TOKEN_CHARS_MIN)
}

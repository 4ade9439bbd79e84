// Sends messages to an incoming webhook of Slack:
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks The address is a
// secret: no error names it.

import { messageOf } from '../core/errors.ts'
import type { Http } from '../core/http.ts'
import { parseRetryAfter } from '../lib/back-off.ts'
import { readBytes } from '../lib/read-body.ts'
import { cutText } from '../lib/text.ts'
import type { Redactor } from '../telemetry/redact.ts'
import { SendError, type Channel } from './channel.ts'
import type { Line, Message } from './digest.ts'

const TIMEOUT_MS = 10_000
const RESPONSE_BYTES_MAX = 4096
/** Slack refuses longer texts of a section. */
const SECTION_CHARS_MAX = 3000
const TITLE_CHARS_MAX = 150

export interface SlackTools {
  readonly http: Http
  readonly url: string
  readonly redact: Redactor
  readonly timeoutMs?: number
}

export function openSlack({ http, url, redact, timeoutMs = TIMEOUT_MS }: SlackTools): Channel {
  return {
    name: 'slack',
    hasWeekly: true,
    async send(message, _digest, signal) {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
      const request = {
        url,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(toPayload(message, redact)),
        firstByteTimeoutMs: timeoutMs,
        idleTimeoutMs: timeoutMs,
        // The address is a secret of Slack, and a page that it redirects to would respond 200.
        followsRedirects: false,
      } as const
      try {
        const response = await http(request, limited)
        const text = new TextDecoder().decode(await readBytes(response, RESPONSE_BYTES_MAX))
        if (response.status === 200) return
        const said = text === '' ? '' : `: ${cutText(text, 200)}`
        throw new SendError(
          redact(`Slack responded with ${response.status}${said}`),
          parseRetryAfter(response.headers.get('retry-after'), Date.now()),
        )
      } catch (error) {
        if (error instanceof SendError) throw error
        if (signal.aborted) throw error
        const cause = limited.aborted
          ? `no response within ${timeoutMs / 1000} s`
          : messageOf(error)
        throw new SendError(redact(`Slack could not be reached: ${cause}`))
      }
    },
  }
}

/** Reasons may quote a supplier. They are redacted first: half of a secret, or one with escaped characters, is not found. */
function toPayload(message: Message, redact: Redactor): object {
  const title = redact(message.title)
  const sections = message.sections.map((lines) =>
    lines.map(({ text, link }) => ({ text: redact(text), link })),
  )
  return {
    text: escapeText(title),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: cutText(title, TITLE_CHARS_MAX) } },
      ...sections.map((lines) => ({
        type: 'section',
        text: {
          type: 'mrkdwn',
          text: cutText(lines.map(formatLine).join('\n'), SECTION_CHARS_MAX),
        },
      })),
    ],
    unfurl_links: false,
  }
}

function formatLine({ text, link }: Line): string {
  const escaped = escapeText(text)
  return link === null ? escaped : `• ${escaped} <${link}|Open>`
}

/**
 * Slack reads these three characters as markup:
 * https://docs.slack.dev/messaging/formatting-message-text
 */
function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

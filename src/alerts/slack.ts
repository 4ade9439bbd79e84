// Sends messages to an incoming webhook of Slack:
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks The address is a
// secret: no error names it.

import { cutText } from '../lib/text.ts'
import type { Redactor } from '../telemetry/redact.ts'
import { SendError, type Channel } from './channel.ts'
import type { Line, Message } from './digest.ts'
import { post, type PostTools } from './post.ts'

const RESPONSE_BYTES_MAX = 4096
/** Slack refuses longer texts of a section. */
const SECTION_CHARS_MAX = 3000
const TITLE_CHARS_MAX = 150

export interface SlackTools extends PostTools {
  readonly url: string
}

export function openSlack(tools: SlackTools): Channel {
  const { redact } = tools
  return {
    name: 'slack',
    hasWeekly: true,
    async send(message, _digest, signal) {
      const { status, text, retryAfterMs } = await post(
        tools,
        {
          service: 'Slack',
          url: tools.url,
          contentType: 'application/json',
          body: JSON.stringify(toPayload(message, redact)),
          responseBytesMax: RESPONSE_BYTES_MAX,
        },
        signal,
      )
      if (status === 200) return
      const said = text === '' ? '' : `: ${cutText(text, 200)}`
      throw new SendError(redact(`Slack responded with ${status}${said}`), retryAfterMs)
    },
  }
}

/** Redacts before it cuts or escapes: a secret is found only whole and unchanged. */
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

// The text of a message to Slack: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks.
// One message lists the changes that fired a rule together.

import { describeEvent } from '../../core/rule.ts'
import type { ClaimedDelivery } from '../../db/write/deliveries.ts'
import { cutText } from '../../lib/text.ts'

/** Slack cuts a text after 40,000 characters and shows a short one whole. */
const TITLE_CHARS_MAX = 120

export function formatSlackMessage({
  webhook,
  rule,
  event,
  changes,
  count,
}: ClaimedDelivery): string {
  if (rule === null || event === null)
    return JSON.stringify({ text: `A test of the Shelfsync webhook ${webhook}` })
  const lines = changes.map((change) => {
    const name = change.title ?? (change.product === '' ? 'all products' : change.product)
    const of = change.product === '' ? change.source : `${change.source} ${change.product}`
    const why = describeEvent(event, change.event ?? {})
    return `• ${escapeSlack(cutText(name, TITLE_CHARS_MAX))} (${escapeSlack(of)}): ${escapeSlack(why)}`
  })
  const more = count - changes.length
  const head = `*${rule}*: ${count} ${count === 1 ? 'change' : 'changes'}`
  return JSON.stringify({
    text: [head, ...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('\n'),
  })
}

/**
 * Without this, a title could contain a link or call a channel:
 * https://docs.slack.dev/messaging/formatting-message-text#escaping
 */
function escapeSlack(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/[\r\n\t]+/g, ' ')
}

// Keeps the body of a webhook request small. A change of long attributes can have megabytes, which
// many servers refuse.

import type { ChangeMessage } from '../../core/change-message.ts'
import type { WebhookMessage } from '../../core/webhook-message.ts'

export const BODY_BYTES_MAX = 256 * 1024

/** Returns the JSON. In a message that is too long, the values of `fields` are left out. */
export function shortenMessage(message: WebhookMessage): string {
  const text = JSON.stringify(message)
  if (message.type === 'test' || Buffer.byteLength(text) <= BODY_BYTES_MAX) return text
  if (message.type === 'change')
    return JSON.stringify({ ...message, data: withoutValues(message.data) })
  const data = { ...message.data, change: withoutValues(message.data.change) }
  return JSON.stringify({ ...message, data })
}

function withoutValues(change: ChangeMessage): ChangeMessage {
  const fields = change.fields.map(({ name }) => ({ name, before: null, after: null }))
  return { ...change, fields, shortened: true }
}

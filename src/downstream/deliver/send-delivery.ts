// Sends one message to its receiver: signed, or as text to Slack. The same message has the same
// `webhook-id` in every attempt.

import { toChangeMessage } from '../../core/change-message.ts'
import type { Http, HttpRequest, HttpResponse } from '../../core/http.ts'
import { messageOf } from '../../core/errors.ts'
import { describeEvent } from '../../core/rule.ts'
import {
  parseSigningSecrets,
  signMessage,
  type WebhookMessage,
} from '../../core/webhook-message.ts'
import { nameWebhookVariable } from '../../core/webhook-variables.ts'
import type { ClaimedDelivery } from '../../db/write/deliveries.ts'
import type { Redactor } from '../../telemetry/redact.ts'
import { shortenMessage } from './shorten-message.ts'
import type { Attempt } from './judge-attempt.ts'
import { formatSlackMessage } from './slack-message.ts'

export interface Sender {
  /** Checks addresses by the guard, before and after DNS. */
  readonly http: Http
  /** The secrets of webhooks by their variables. */
  readonly variables: Readonly<Record<string, string>>
  readonly redact: Redactor
  /** From the request to the status, with the wait for a free place. Default: 30 s. */
  readonly timeoutMs?: number
  /** From the status to the end of the response. Default: 1 s. */
  readonly restMs?: number
}

/** Time without a byte of the response. */
const REQUEST_MS = 15_000
const TOTAL_MS = 30_000
/**
 * A short response is read to its end, so that its connection is reused. The status alone decides: a
 * longer or slower rest of the response is not awaited.
 */
const RESPONSE_BYTES_MAX = 16_384
const REST_MS = 1_000

/** Never throws: every failure is an attempt. */
export async function sendDelivery(sender: Sender, delivery: ClaimedDelivery): Promise<Attempt> {
  const { timeoutMs = TOTAL_MS, restMs = REST_MS } = sender
  if (delivery.changes.length === 0 && delivery.position > 0)
    return { error: 'its changes have been removed by their age', isFinal: true }
  try {
    const request = await createRequest(sender, delivery)
    if ('error' in request) return request
    const response = await sender.http(request, AbortSignal.timeout(timeoutMs))
    await endResponse(response, restMs)
    return { status: response.status, retryAfter: response.headers.get('retry-after') }
  } catch (error) {
    const isLate = error instanceof Error && error.name === 'TimeoutError'
    const reason = isLate ? `no response within ${timeoutMs / 1000} s` : messageOf(error)
    return { error: sender.redact(reason) }
  }
}

async function createRequest(
  { variables }: Sender,
  delivery: ClaimedDelivery,
): Promise<HttpRequest | { readonly error: string }> {
  const addressVariable = nameWebhookVariable('ADDRESS', delivery.webhook)
  const url = delivery.url ?? variables[addressVariable]
  if (url === undefined) return { error: explainMissing(addressVariable) }
  const isSlack = delivery.format === 'slack'
  const body = isSlack ? formatSlackMessage(delivery) : formatMessage(delivery)
  const secretVariable = nameWebhookVariable('SECRET', delivery.webhook)
  const signed = isSlack ? {} : await sign(variables[secretVariable], delivery.message, body)
  if (signed === null) return { error: explainMissing(secretVariable) }
  return {
    url,
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...signed },
    followsRedirects: false,
    firstByteTimeoutMs: REQUEST_MS,
    idleTimeoutMs: REQUEST_MS,
  }
}

function explainMissing(variable: string): string {
  return `${variable} is not set where the deliverer runs`
}

async function sign(
  text: string | undefined,
  id: string,
  body: string,
): Promise<Record<string, string> | null> {
  const secrets = text === undefined ? null : parseSigningSecrets(text)
  if (secrets === null) return null
  const timestamp = Math.floor(Date.now() / 1000)
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': await signMessage(secrets, { id, timestamp, body }),
  }
}

function formatMessage(delivery: ClaimedDelivery): string {
  return shortenMessage(toMessage(delivery))
}

function toMessage({ changes, created_at, rule, event }: ClaimedDelivery): WebhookMessage {
  const timestamp = new Date(created_at).toISOString()
  const [found] = changes
  if (found === undefined) return { type: 'test', timestamp, data: {} }
  const change = toChangeMessage(found)
  if (rule === null || event === null) return { type: 'change', timestamp, data: change }
  const facts = found.event ?? {}
  const why = describeEvent(event, facts)
  return { type: 'rule', timestamp, data: { rule, event, why, facts, change } }
}

/** Never throws: what follows the status is not a part of the attempt. */
async function endResponse(response: HttpResponse, restMs: number): Promise<void> {
  const cancel = (): Promise<void> => response.cancel().catch(() => undefined)
  const timer = setTimeout(() => void cancel(), restMs)
  let bytes = 0
  try {
    for await (const chunk of response.body) {
      bytes += chunk.byteLength
      if (bytes > RESPONSE_BYTES_MAX) break
    }
  } catch {
    // The rest of the response is cut short or damaged.
  } finally {
    clearTimeout(timer)
  }
  await cancel()
}

// The body of a webhook request, and its signature: https://www.standardwebhooks.com. A consumer
// recognises a repeated request by its `webhook-id`.

import { z } from 'zod'
import { ChangeMessage } from './change-message.ts'
import { RULE_EVENTS, RuleEvent } from './rule.ts'

const at = z.iso.datetime({ precision: 3 }).describe('When the message was made.')

export const WebhookMessage = z.discriminatedUnion('type', [
  z
    .strictObject({ type: z.literal('change'), timestamp: at, data: ChangeMessage })
    .describe('One published change.'),
  z
    .strictObject({
      type: z.literal('rule'),
      timestamp: at,
      data: z.strictObject({
        rule: z.string().describe('The name of the rule.'),
        event: z.enum(RULE_EVENTS),
        why: z.string().describe('The event as text.'),
        facts: RuleEvent.describe('Amounts are in minor units.'),
        change: ChangeMessage,
      }),
    })
    .describe('A rule fired.'),
  z
    .strictObject({ type: z.literal('test'), timestamp: at, data: z.strictObject({}) })
    .describe('Sent by `shelfsync webhooks test`.'),
])
export type WebhookMessage = z.infer<typeof WebhookMessage>

const SECRET_PREFIX = 'whsec_'
/** The standard allows 24 to 64 bytes. */
const SECRET_BYTES = { min: 24, max: 64 }

/**
 * Reads the secrets of a variable: one, or two for the time of a rotation, separated by a space, each
 * `whsec_` and base64. Null if they are not valid.
 */
export function parseSigningSecrets(text: string): readonly Uint8Array<ArrayBuffer>[] | null {
  const secrets = text.trim().split(/\s+/).map(parseSecret)
  return secrets.length <= 2 && secrets.every((secret) => secret !== null) ? secrets : null
}

/** Returns a new secret of 32 random bytes. */
export function createSigningSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32))
  return SECRET_PREFIX + btoa(String.fromCharCode(...bytes))
}

export interface SignedContent {
  readonly id: string
  /** In seconds. */
  readonly timestamp: number
  readonly body: string
}

/** Returns the value of `webhook-signature`: one signature for each secret. */
export async function signMessage(
  secrets: readonly Uint8Array<ArrayBuffer>[],
  { id, timestamp, body }: SignedContent,
): Promise<string> {
  const content = new TextEncoder().encode(`${id}.${timestamp}.${body}`)
  const signatures = secrets.map(async (secret) => {
    const hmac = { name: 'HMAC', hash: 'SHA-256' }
    const key = await crypto.subtle.importKey('raw', secret, hmac, false, ['sign'])
    const signature = await crypto.subtle.sign('HMAC', key, content)
    return `v1,${btoa(String.fromCharCode(...new Uint8Array(signature)))}`
  })
  return (await Promise.all(signatures)).join(' ')
}

function parseSecret(text: string): Uint8Array<ArrayBuffer> | null {
  if (!text.startsWith(SECRET_PREFIX)) return null
  const base64 = text.slice(SECRET_PREFIX.length)
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64) || base64.length % 4 === 1) return null
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  return bytes.length < SECRET_BYTES.min || bytes.length > SECRET_BYTES.max ? null : bytes
}

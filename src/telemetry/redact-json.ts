// Redacts secrets in JSON: in every text and number, and the whole value of a member whose name is
// that of a secret.

import { escapeControls } from '../lib/escape-controls.ts'
import { isObject } from '../lib/objects.ts'
import { isSecretName, type Redactor } from './redact.ts'

/** A JSON object, such as one line of the log. */
export type Line = Readonly<Record<string, unknown>>

/**
 * Returns any value as JSON without secrets and without control characters. `undefined` becomes
 * null.
 */
export function redactJson(value: unknown, redact: Redactor): string {
  // The round trip turns dates and other objects into text first.
  return escapeControls(
    JSON.stringify(redactValue(JSON.parse(JSON.stringify(value) ?? 'null'), redact)),
  )
}

/**
 * As `redactJson`, for content of the catalogue. The whole redaction would destroy data: a product's
 * address may have a parameter `key`. `redactKeys` removes keys, and leaves everything else as it is.
 */
export function redactContent(value: unknown, redactKeys: Redactor): string {
  return escapeControls(redactKeys(JSON.stringify(value)))
}

export function redactValue(
  value: unknown,
  redact: Redactor,
  rename: Redactor = (name) => name,
): unknown {
  if (typeof value === 'string') return redact(value)
  if (typeof value === 'number')
    return redact(String(value)) === String(value) ? value : '[redacted]'
  if (Array.isArray(value)) return value.map((item) => redactValue(item, redact, rename))
  if (isObject(value)) return redactLine(value, redact, rename)
  return value
}

export function redactLine(line: Line, redact: Redactor, rename: Redactor): Line {
  return Object.fromEntries(
    Object.entries(line).map(([name, value]) => [
      rename(name),
      redactMember(name, value, redact, rename),
    ]),
  )
}

function redactMember(name: string, value: unknown, redact: Redactor, rename: Redactor): unknown {
  return isSecretName(name) && value !== null && value !== ''
    ? '[redacted]'
    : redactValue(value, redact, rename)
}

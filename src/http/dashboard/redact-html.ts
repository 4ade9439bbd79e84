// Redacts secrets in a page: in each text and each value of an attribute, unescaped. On the HTML as a
// whole, a text such as `token: x` would take the tags after it along, and a secret with `&` or a
// quote would not be found. Controls are escaped too: a mark of direction would reverse a row.

import { escapeLines } from '../../lib/escape-controls.ts'
import type { Redactor } from '../../telemetry/redact.ts'

/** Values are escaped, so that a tag ends at its first `>`. */
const PIECE = /<[^>]*>|[^<]+/g
const ATTRIBUTE_VALUE = /"([^"]+)"/g
const ESCAPED = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" } as const
const ESCAPES = new Map<string, string>(Object.entries(ESCAPED).map(([name, char]) => [char, name]))

export function redactHtml(page: string, redact: Redactor): string {
  return page.replaceAll(PIECE, (piece) =>
    piece.startsWith('<')
      ? piece.replaceAll(ATTRIBUTE_VALUE, (_, value: string) => `"${redactText(value, redact)}"`)
      : redactText(piece, redact),
  )
}

function redactText(escaped: string, redact: Redactor): string {
  const text = escaped.replaceAll(/&(?:amp|lt|gt|quot|#39);/g, unescape)
  const shown = escapeLines(redact(text))
  if (shown === text) return escaped
  return shown.replaceAll(/[&<>"']/g, (char) => ESCAPES.get(char) ?? char)
}

function unescape(name: string): string {
  return ESCAPED[name as keyof typeof ESCAPED]
}

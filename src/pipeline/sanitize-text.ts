// Text from suppliers, stores and Postgres, made safe to store and show.

import { cutText } from '../lib/text.ts'
import { toStorableText } from '../lib/storable-text.ts'
import type { Redactor } from '../telemetry/redact.ts'

const CHARS_MAX = 1000

/**
 * Returns `text` on one line, redacted, storable in Postgres, and cut to `CHARS_MAX`. It is cut last,
 * because the redactor does not recognise half a secret.
 */
export function sanitizeText({ redact }: { readonly redact: Redactor }, text: string): string {
  return cutText(toStorableText(redact(text).replaceAll(/\s+/g, ' ')), CHARS_MAX)
}

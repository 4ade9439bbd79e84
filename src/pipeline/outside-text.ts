// What suppliers, stores and Postgres say, as it may be stored and shown.

import { cutText } from '../lib/text.ts'
import { toStorableText } from '../lib/storable.ts'
import type { Redactor } from '../telemetry/redact.ts'

const CHARS_MAX = 1000

/**
 * `text` on one line, without secrets, and only then cut, because half a secret is not recognised.
 * A column of Postgres can hold it.
 */
export function outsideText({ redact }: { readonly redact: Redactor }, text: string): string {
  return cutText(toStorableText(redact(text).replaceAll(/\s+/g, ' ')), CHARS_MAX)
}

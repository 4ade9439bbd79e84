// What suppliers, stores and Postgres say, as it may be stored and shown.

import { cutText } from '../lib/text.ts'
import { storableText } from '../lib/storable.ts'
import type { Redactor } from '../node/redact.ts'

const CHARS_MAX = 1000

/** `text` without secrets, and only then cut, because half a secret is not recognised; without what a column of Postgres cannot hold. */
export function outsideText({ redact }: { readonly redact: Redactor }, text: string): string {
  return cutText(storableText(redact(text)), CHARS_MAX)
}

// Names in the Store API are HTML: `Filter &#8211; 250 g`.

import { htmlToText } from '../../normalise/html/html-to-text.ts'

/** Returns a name as a reader sees it, with its entities decoded once, or null without one. */
export function textOf(html: unknown): string | null {
  if (typeof html !== 'string') return null
  const text = /[<&]/.test(html) ? htmlToText(html).replaceAll(/\s+/g, ' ') : html.trim()
  return text === '' ? null : text
}

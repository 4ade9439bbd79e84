// Finds out if a page is an empty shell whose content is added by scripts in the browser.

import { htmlToText } from '../../normalise/html/html-to-text.ts'

const TEXT_CHARS_MAX = 300
const HTML_CHARS_MAX = 1_000_000

/** True for a page with scripts that shows hardly any text by itself. */
export function isScriptShell(html: string): boolean {
  const start = html.slice(0, HTML_CHARS_MAX)
  if (!/<script\b/i.test(start)) return false
  // A head without an end tag would hide the whole page.
  const body = start.search(/<body\b/i)
  const text = htmlToText(body === -1 ? start : start.slice(body))
  return text.replaceAll(/\s+/g, ' ').length <= TEXT_CHARS_MAX
}

// Finds out if a page is an empty shell whose content is added by scripts in the browser.

const TEXT_CHARS_MAX = 300
const HTML_CHARS_MAX = 1_000_000

/** True for a page with scripts that shows hardly any text by itself. */
export function isScriptShell(html: string): boolean {
  const start = html.slice(0, HTML_CHARS_MAX)
  if (!/<script\b/i.test(start)) return false
  const text = start
    .replaceAll(/<(script|style|svg|noscript|template|head)\b[^>]*>[\s\S]*?<\/\1\s*>/gi, ' ')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
  return text.trim().length <= TEXT_CHARS_MAX
}

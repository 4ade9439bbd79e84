// Why a text is not JSON, in the parser's words.

/**
 * Without the piece of the text that V8 quotes: it may be half a secret, which no redactor
 * recognises.
 */
export function jsonFaultOf(error: unknown): string {
  const message = error instanceof Error ? error.message : 'unreadable'
  return (
    message.replace(/(?:, )?(?:\.\.\.)?".*"(?:\.\.\.)? is not valid JSON$/s, '') || 'not valid JSON'
  )
}

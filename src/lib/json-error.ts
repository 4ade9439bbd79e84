// Describes JSON syntax errors.

/**
 * Returns the parser's message without the excerpt that V8 quotes: part of a secret would pass the
 * redactor.
 */
export function describeJsonError(error: unknown): string {
  const message = error instanceof Error ? error.message : 'unreadable'
  return (
    message.replace(/(?:, )?(?:\.\.\.)?".*"(?:\.\.\.)? is not valid JSON$/s, '') || 'not valid JSON'
  )
}

// Text from outside, made harmless for a terminal: a supplier's title can otherwise move the
// cursor, set the window's title, write to the clipboard, or turn the rest of a line around.

/**
 * Controls (C0, C1), line separators, bidirectional marks, invisible characters that hide text, and
 * half a surrogate pair.
 */
const UNSAFE =
  /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\u200b\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu

const SHORT: Readonly<Record<string, string>> = {
  '\n': String.raw`\n`,
  '\r': String.raw`\r`,
  '\t': String.raw`\t`,
}

/**
 * Writes them as JSON does (`\u001b`), so that they can be seen; text that is JSON stays the same
 * JSON. Twice is the same as once.
 */
export function escapeControls(text: string): string {
  return text.replace(
    UNSAFE,
    (found) =>
      SHORT[found] ??
      Array.from({ length: found.length }, (_, i) => escapeUnit(found.charCodeAt(i))).join(''),
  )
}

/** The same for lines of ours: what stands between their ends. */
export function escapeLines(text: string): string {
  return text.split('\n').map(escapeControls).join('\n')
}

function escapeUnit(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`
}

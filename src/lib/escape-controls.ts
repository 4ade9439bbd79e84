// Escapes text from outside for a terminal: a supplier's title could otherwise move the cursor, set
// the window's title, write to the clipboard or reverse the rest of a line.

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

/** Escapes as JSON does (`\u001b`), so JSON text keeps its value. Repeating it changes no text. */
export function escapeControls(text: string): string {
  return text.replace(
    UNSAFE,
    (found) =>
      SHORT[found] ??
      Array.from({ length: found.length }, (_, i) => escapeUnit(found.charCodeAt(i))).join(''),
  )
}

/** Escapes each line of a text that we built, and keeps its line ends. */
export function escapeLines(text: string): string {
  return text.split('\n').map(escapeControls).join('\n')
}

function escapeUnit(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`
}

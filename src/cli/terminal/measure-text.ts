// The columns that text takes on a terminal.

// Node measures text only internally, and a package would be one more import of every list.
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u
const ZERO = /^(?:\p{M}|\p{Emoji_Modifier}|\p{Default_Ignorable_Code_Point})/u

/** Returns the columns of a character on a terminal. */
export function measureCharacter(character: string): number {
  if (character < '\u0300') return 1
  if (ZERO.test(character)) return 0
  return WIDE.test(character) ? 2 : 1
}

/** Returns the columns of a text on a terminal. CJK and emoji have two each. */
export function measureText(text: string): number {
  return Array.from(text).reduce((sum, character) => sum + measureCharacter(character), 0)
}

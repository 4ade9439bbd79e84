// Lists of words as data: one string, so that a table of words reads like a sentence.

/** Returns the words of a text that is separated by spaces or line breaks. */
export function toWordSet(words: string): ReadonlySet<string> {
  return new Set(words.trim().split(/\s+/))
}

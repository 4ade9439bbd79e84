// Slugs and shortened text.

/**
 * Returns a slug of at most 60 characters: `Café d'Or Pty.` → `cafe-dor-pty`. It is empty when `text`
 * has neither a Latin letter nor a digit.
 */
export function toSlug(text: string): string {
  const words =
    text
      .normalize('NFKD')
      .toLowerCase()
      .replaceAll(/[\p{M}'’]/gu, '')
      .match(/[a-z0-9]+/g) ?? []
  return words.join('-').slice(0, 60).replace(/-$/, '')
}

/**
 * Returns the text, or its first `charsMax - 1` characters and `…`. Remove secrets first: part of a
 * secret is not recognised.
 */
export function cutText(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text
  return `${text.slice(0, charsMax - 1).replace(/[\ud800-\udbff]$/, '')}…`
}

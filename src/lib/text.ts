// Names out of free text.

/** `Café d'Or Pty.` → `cafe-dor-pty`, at most 60 characters. Empty when `text` has neither a Latin letter nor a digit. */
export function slugOf(text: string): string {
  const words = text.normalize('NFKD').toLowerCase().replaceAll(/[\p{M}'’]/gu, '').match(/[a-z0-9]+/g) ?? []
  return words.join('-').slice(0, 60).replace(/-$/, '')
}

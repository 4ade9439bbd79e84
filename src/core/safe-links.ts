// Links of products, as readers of the catalogue show them: a program that puts one into a page must not
// run a script, or show an address that differs from its target.

/**
 * An absolute address of the web without credentials, controls or marks that reverse the text. An address
 * with `javascript:` or `data:` could run a script, and one with `user@` names another host than it
 * reaches.
 */
const SAFE = /^https?:\/\/[^\s/?#@\\\p{Cc}\p{Bidi_Control}]+(?:[/?#][^\p{Cc}\p{Bidi_Control}]*)?$/iu

/** Returns true if the address of a product or an image is harmless to show. */
export function isSafeLink(url: string): boolean {
  return SAFE.test(url)
}

// Text that a person types to name a product: its id or the address of its page. Web standards
// only, because edge functions use it too.

/** The key of a product in its form for a fetch by keys, or the reason why the text names none. */
export type TypedKey =
  | { readonly key: string; readonly problem: null }
  /** A sentence for the person who typed the text, without its full stop. */
  | { readonly key: null; readonly problem: string }

/** The part of a connector that reads keys. */
interface KeyReader<Settings> {
  parseKey?(text: string, settings: Settings): TypedKey
}

const KEY_CHARS_MAX = 200

/**
 * Reads a typed text with the connector of its source. Without a method of the connector, the text
 * is the id. Requests nothing.
 */
export function readTypedKey<Settings>(
  connector: KeyReader<Settings>,
  typed: string,
  settings: Settings,
): TypedKey {
  const text = typed.trim()
  if (text === '') return { key: null, problem: 'The id of the product is empty' }
  if (connector.parseKey) return connector.parseKey(text, settings)
  if (text.length > KEY_CHARS_MAX)
    return { key: null, problem: `The id has more than ${KEY_CHARS_MAX} characters` }
  return { key: text, problem: null }
}

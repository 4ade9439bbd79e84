// Works on many items side by side, but on one at a time of those that share a key.

/**
 * Calls `work` for every item, for at most `atOnce` of them at a time and in their order as far as
 * keys permit. Resolves when all have ended.
 *
 * @throws the first error of `work`, after the items in progress have ended; no other one is begun
 */
export async function eachByKey<Item>(
  items: readonly Item[],
  { atOnce, keyOf }: { readonly atOnce: number; readonly keyOf: (item: Item) => string },
  work: (item: Item, index: number) => Promise<void>,
): Promise<void> {
  const waiting = items.map((item, index) => ({ item, index, key: keyOf(item) }))
  const busy = new Map<string, Promise<void>>()
  const failures: unknown[] = []
  while (waiting.length > 0 || busy.size > 0) {
    const next =
      busy.size < atOnce && failures.length === 0
        ? waiting.findIndex(({ key }) => !busy.has(key))
        : -1
    const [begun] = next === -1 ? [] : waiting.splice(next, 1)
    if (begun !== undefined) {
      const { item, index, key } = begun
      const done = work(item, index)
        .catch((error: unknown) => void failures.push(error))
        .finally(() => busy.delete(key))
      busy.set(key, done)
    } else if (busy.size > 0) await Promise.race(busy.values())
    else break
  }
  if (failures.length > 0) throw failures[0]
}

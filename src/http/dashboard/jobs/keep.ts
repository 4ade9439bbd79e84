// Keeps the result of an expensive reading for a while, for all persons who look at a page of one
// process.

const readings = new WeakMap<
  object,
  Map<string, { readonly atMs: number; readonly value: unknown }>
>()

/** Returns the kept reading of this name, or a new one if it is older than `ageMs`. */
export async function keepReading<Value>(
  owner: object,
  { name, ageMs, nowMs }: { readonly name: string; readonly ageMs: number; readonly nowMs: number },
  read: () => Promise<Value>,
): Promise<Value> {
  const own = readings.get(owner) ?? new Map<string, { atMs: number; value: unknown }>()
  readings.set(owner, own)
  const kept = own.get(name)
  if (kept !== undefined && nowMs - kept.atMs < ageMs) return kept.value as Promise<Value>
  const value = read()
  own.set(name, { atMs: nowMs, value })
  value.catch(() => own.delete(name))
  return value
}

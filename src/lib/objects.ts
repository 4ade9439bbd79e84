// Checks of values from outside, which may not have the documented type.

export type Members = Readonly<Record<string, unknown>>

/** True when `value` is an object with members: neither null nor an array. */
export function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const NONE: readonly Members[] = []

/** Returns the objects in an array, or none when `value` is not an array. */
export function listObjects(value: unknown): readonly Members[] {
  if (!Array.isArray(value) || value.length === 0) return NONE
  for (const element of value) if (!isObject(element)) return value.filter(isObject)
  return value
}

/** Freezes the value and everything in it. */
export function deepFreeze<Value extends object>(value: Value): Value {
  for (const member of Object.values(value))
    if (typeof member === 'object' && member !== null) deepFreeze(member)
  return Object.freeze(value)
}

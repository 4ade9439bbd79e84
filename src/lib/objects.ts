// Checks of values that only probably have the documented type.

export type Members = Readonly<Record<string, unknown>>

/** Whether `value` is an object with members: neither null nor an array. */
export function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const NONE: readonly Members[] = []

/** The objects in an array; nothing when it is not one. */
export function listObjects(value: unknown): readonly Members[] {
  if (!Array.isArray(value) || value.length === 0) return NONE
  return value.every(isObject) ? value : value.filter(isObject)
}

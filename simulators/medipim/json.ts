// JSON values and two ways to edit them.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type JsonObject = { [key: string]: Json }

/** Returns a string or number as text; '' for other values. */
export function toText(value: Json | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

/** RFC 7396. `keepNulls` joins two patches, whose nulls delete members later. */
export function mergePatch(target: JsonObject, patch: JsonObject, keepNulls = false): JsonObject {
  const merged: JsonObject = { ...target }
  for (const [key, value] of Object.entries(patch)) {
    const before = merged[key]
    if (value === null && !keepNulls) delete merged[key]
    else
      merged[key] = isObject(value)
        ? mergePatch(isObject(before) ? before : {}, value, keepNulls)
        : value
  }
  return merged
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Keeps `meta` as the last member of a product, as the supplier does. */
export function moveMetaLast({ meta, ...product }: JsonObject): JsonObject {
  return meta === undefined ? product : { ...product, meta }
}

// Names, media types and sizes that the service accepts: https://github.com/supabase/storage,
// src/storage/limits.ts.

const OBJECT_NAME = /^[A-Za-z0-9_/!.*'() &$=@;:+,?-]+$/
const BUCKET_NAME = /^[A-Za-z0-9_!.*'() &$=@;:+,?-]{1,100}$/
const MEDIA_TYPE = /^([a-zA-Z0-9\-+.]+)\/([a-zA-Z0-9\-+.]+)(;\s*charset=[a-zA-Z0-9-]+)?$|\*$/

export function isObjectName(name: string): boolean {
  return OBJECT_NAME.test(name)
}

export function isBucketName(name: string): boolean {
  return BUCKET_NAME.test(name)
}

/** True when a bucket may be limited to this type, such as `image/*`. */
export function isMediaType(type: string): boolean {
  return type.length <= 1000 && MEDIA_TYPE.test(type)
}

export function isAllowedType(type: string, allowed: readonly string[]): boolean {
  const wanted = (type.split(';')[0] ?? '').trim().toLowerCase()
  const family = `${wanted.split('/')[0]}/*`
  return allowed.some((entry) =>
    [wanted, family].includes((entry.split(';')[0] ?? '').trim().toLowerCase()),
  )
}

const UNITS: Readonly<Record<string, number>> = { GB: 1e9, MB: 1e6, KB: 1000, B: 1 }

/** Parses a bucket's limit, a number or text such as `20MB`. Null: invalid. */
export function parseSize(size: number | string): number | null {
  if (typeof size === 'number') return size
  const [, value, unit = ''] = /^(\d+(?:\.\d+)?)(gb|mb|kb|b)$/i.exec(size) ?? []
  return value === undefined ? null : Math.round(Number(value) * (UNITS[unit.toUpperCase()] ?? 1))
}

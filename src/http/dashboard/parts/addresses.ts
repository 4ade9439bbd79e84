// Addresses with filters.

/** The values of a query by name; null, undefined, '' and false are left out. */
export type QueryValues = Readonly<
  Record<string, string | number | boolean | readonly string[] | null | undefined>
>

/** `/products?source=shop&status=active`. */
export function toAddress(path: string, query: QueryValues = {}): string {
  const given = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === '' || value === false) continue
    for (const one of Array.isArray(value) ? value : [value]) given.append(name, String(one))
  }
  const text = given.toString()
  return text === '' ? path : `${path}?${text}`
}

/** The same page with other filters. A change begins at the first page of the list. */
export function withQuery(address: string, changes: QueryValues): string {
  const url = new URL(address, 'http://here.invalid')
  url.searchParams.delete('after')
  const before: Record<string, string[]> = {}
  for (const [name, value] of url.searchParams) (before[name] ??= []).push(value)
  return toAddress(url.pathname, { ...before, ...changes })
}

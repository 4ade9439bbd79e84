// Addresses of the API, from the fields of a form.

import { toAddress, type QueryValues } from '../parts/addresses.ts'

/** `/api/v1/products/:id` with `{ id: '5', limit: '2' }` → `/api/v1/products/5?limit=2`. Empty fields are left out. */
export function toApiAddress(route: string, fields: QueryValues): string {
  const query = new Map(Object.entries(fields))
  const path = route.replaceAll(/:(\w+)/g, (_, name: string) => {
    const value = query.get(name)
    query.delete(name)
    return encodeURIComponent(String(value ?? ''))
  })
  return toAddress(path, Object.fromEntries(query))
}

/** The command for a terminal. The key stays a variable, which a copy of the command does not reveal. */
export function toCurl(address: string, file: string | null): string {
  const output = file === null ? '' : ` --output ${file}`
  return `curl --fail-with-body --compressed -H "X-ADMIN-KEY: $READ_KEY"${output} '${address}'`
}

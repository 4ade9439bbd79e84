// Groups the pages of a site by their folder, to try pages of different kinds.

import type { Listed } from './listed-pages.ts'

/**
 * Returns up to `count` pages: one from the middle of each folder, the largest folder first, then more
 * of each. Folders with few pages are rarely those of products.
 */
export function spreadPages(pages: readonly Listed[], count: number): Listed[] {
  const groups = new Map<string, Listed[]>()
  for (const page of pages) {
    const folder = toFolder(page.address)
    const group = groups.get(folder)
    if (group === undefined) groups.set(folder, [page])
    else group.push(page)
  }
  const largest = [...groups.values()].toSorted((a, b) => b.length - a.length).slice(0, count)
  const chosen: Listed[] = []
  const perGroup = Math.max(1, Math.ceil(count / Math.max(1, largest.length)))
  for (let round = 0; round < perGroup; round++) {
    for (const group of largest) {
      const page = group[Math.floor(((round + 0.5) * group.length) / perGroup)]
      if (page !== undefined && !chosen.includes(page) && chosen.length < count) chosen.push(page)
    }
  }
  return chosen
}

/** Returns the patterns of the folders of these pages. A page at the top has none. */
export function groupPages(addresses: readonly string[]): string[] {
  const folders = new Set(addresses.map(toFolder))
  return folders.has('/') ? [] : [...folders].map((folder) => `${folder}*`)
}

/** `/shop/` for `/shop/mugs/blue`. */
function toFolder(address: string): string {
  return /^\/[^/]+\/(?=.)/.exec(new URL(address).pathname)?.[0] ?? '/'
}

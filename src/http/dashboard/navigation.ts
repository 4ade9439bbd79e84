// The main navigation, in its order.

import type { IconName } from './parts/icons.ts'

export interface NavigationEntry {
  readonly path: `/${string}`
  readonly label: string
  readonly icon: IconName
  /** Paths of pages that belong to the entry although they do not begin with its path. */
  readonly also?: readonly string[]
}

export const NAVIGATION: readonly NavigationEntry[] = [
  { path: '/', label: 'Overview', icon: 'overview', also: ['/sources'] },
  { path: '/runs', label: 'Runs', icon: 'runs' },
  { path: '/products', label: 'Products', icon: 'products' },
  { path: '/reviews', label: 'Reviews', icon: 'review' },
  { path: '/feed', label: 'Changes', icon: 'feed' },
  { path: '/jobs', label: 'Jobs', icon: 'jobs' },
  { path: '/webhooks', label: 'Webhooks', icon: 'deliveries' },
  { path: '/rules', label: 'Rules', icon: 'rules' },
  { path: '/alerts', label: 'Alerts', icon: 'warning' },
  { path: '/actions', label: 'Actions', icon: 'actions' },
  { path: '/api', label: 'API', icon: 'api' },
]

/** True if `path` is the entry's page, or below it. */
export function isCurrent({ path, also = [] }: NavigationEntry, current: string): boolean {
  const isBelow = (parent: string): boolean => current.startsWith(`${parent}/`)
  return current === path || (path !== '/' && isBelow(path)) || also.some(isBelow)
}

// The roles of a process. One process may have all of them; each can have machines of its own.

/**
 * `fetcher` asks suppliers and archives · `maintainer` applies and settles · `orchestrator` takes
 * orders, tells how things stand and keeps the schedules · `scheduler` keeps the schedules only.
 */
export const ROLES = ['fetcher', 'maintainer', 'orchestrator', 'scheduler'] as const
export type Role = (typeof ROLES)[number]
/** What `serve` does when nobody says which. */
export const ALL_ROLES: readonly Role[] = ['fetcher', 'maintainer', 'orchestrator']

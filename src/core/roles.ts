// The roles of a process. One process may have all of them, or each role may run on separate
// machines.

/**
 * `fetcher` archives the data of suppliers · `maintainer` applies and settles · `orchestrator`
 * accepts requests, reports status and keeps the schedules · `scheduler` only keeps the schedules.
 */
export const ROLES = ['fetcher', 'maintainer', 'orchestrator', 'scheduler'] as const
export type Role = (typeof ROLES)[number]
/** The roles of `serve` without arguments. */
export const ALL_ROLES: readonly Role[] = ['fetcher', 'maintainer', 'orchestrator']
/** The roles that read and write artifacts. */
export const WORKER_ROLES: readonly Role[] = ['fetcher', 'maintainer']
/** The roles whose HTTP server requires a key. */
export const SERVER_ROLES: readonly Role[] = ['fetcher', 'maintainer', 'orchestrator']

// The roles of a process. One process may have all of them, or each role may run on separate
// machines.

/**
 * `fetcher` archives the data of suppliers · `maintainer` applies and settles · `orchestrator`
 * accepts requests, reports status and keeps the schedules · `web` serves the dashboard · `scheduler`
 * only keeps the schedules · `images` stores images · `deliver` sends the changes to webhooks.
 */
export const ROLES = [
  'fetcher',
  'maintainer',
  'orchestrator',
  'web',
  'scheduler',
  'images',
  'deliver',
] as const
export type Role = (typeof ROLES)[number]
/** The roles of `serve` without arguments, besides those that settings switch on. */
export const ALL_ROLES: readonly Role[] = [
  'fetcher',
  'maintainer',
  'orchestrator',
  'web',
  'deliver',
]
/** The roles of downstream steps, which do not use the queue. */
const STEP_ROLES: readonly Role[] = ['images', 'deliver']
export const QUEUE_ROLES: readonly Role[] = ROLES.filter((role) => !STEP_ROLES.includes(role))
/** The roles that read and write artifacts. */
export const WORKER_ROLES: readonly Role[] = ['fetcher', 'maintainer']
/** The roles whose HTTP server requires a key. */
export const SERVER_ROLES: readonly Role[] = ['fetcher', 'maintainer', 'orchestrator', 'web']

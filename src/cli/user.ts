// Who sits at this machine: noted with every decision.

import { hostname, userInfo } from 'node:os'

/** `user@host`; in a container without users just its number. */
export function describeUser(): string {
  try {
    return `${userInfo().username}@${hostname()}`
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}@${hostname()}`
  }
}

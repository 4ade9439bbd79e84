// The user of this machine, recorded with every decision.

import { hostname, userInfo } from 'node:os'

/** Returns `user@host`, or the numeric id in a container without user names. */
export function describeUser(): string {
  try {
    return `${userInfo().username}@${hostname()}`
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}@${hostname()}`
  }
}

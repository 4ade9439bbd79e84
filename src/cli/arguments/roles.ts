// The argument `[roles...]` of commands for the processes of the services.

import { ROLES, type Role } from '../../core/roles.ts'
import { parseChoice } from './choice.ts'

/** Parses one of `[roles...]`; commander passes the values before it. */
export function parseRole(text: string, before: readonly Role[] = []): readonly Role[] {
  return [...before, parseChoice(text, ROLES)]
}

// The argument `[roles...]` of commands for the processes of the services.

import { InvalidArgumentError } from 'commander'
import { ROLES, type Role } from '../../core/roles.ts'

/** Parses one of `[roles...]`; commander passes the values before it. */
export function parseRole(text: string, before: readonly Role[] = []): readonly Role[] {
  const role = ROLES.find((one) => one === text)
  if (!role) throw new InvalidArgumentError(`It must be one of ${ROLES.join(', ')}.`)
  return [...before, role]
}

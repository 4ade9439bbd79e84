// Rotates a key that callers send: first every app accepts a second one, and when the callers have
// it, only that one. Each step can be repeated after a failure, and the new key is never refused.

import { randomBytes } from 'node:crypto'
import { setInDotEnv } from '../../src/config/edit-dot-env.ts'
import { SERVER_ROLES } from '../../src/core/roles.ts'
import type { App } from './apps.ts'
import type { Command } from './commands.ts'
import { DeployError } from './deploy-error.ts'
import type { Values } from './environment.ts'
import { flyctl, type Step } from './plan.ts'

export const ROTATED_KEYS = { admin: 'ADMIN_KEY', sync: 'SYNC_KEY' } as const
export type RotatedKey = keyof typeof ROTATED_KEYS

const KEY_BYTES = 32

export interface Rotation {
  readonly steps: readonly Step[]
  /** The text of `.env` to write before the steps, or after them when the rotation is finished. */
  readonly text: string
}

/** Adds a second key, or applies the one that `.env` already has. @throws DeployError */
export function beginRotation(
  key: RotatedKey,
  apps: readonly App[],
  { text, values }: { readonly text: string; readonly values: Values },
): Rotation {
  const name = ROTATED_KEYS[key]
  const next = `${name}_NEXT`
  if (values[name] === undefined)
    throw new DeployError(`${name} is not set, so there is nothing to rotate`)
  const second = values[next] ?? randomBytes(KEY_BYTES).toString('hex')
  const imports = (app: App): Command => ({
    ...flyctl('secrets', 'import', '--stage', '--app', app.name),
    names: [next],
    readValues: () => Promise.resolve({ [next]: second }),
  })
  return {
    steps: planSteps(`Accept ${next} too`, apps, imports),
    text: setInDotEnv(text, { [next]: second }),
  }
}

/** Makes the second key the only one. @throws DeployError when there is none */
export function finishRotation(
  key: RotatedKey,
  apps: readonly App[],
  { text, values }: { readonly text: string; readonly values: Values },
): Rotation {
  const name = ROTATED_KEYS[key]
  const next = `${name}_NEXT`
  const second = values[next]
  if (second === undefined)
    throw new DeployError(
      `${next} is not set: no rotation has begun. Begin one with deploy.sh rotate ${key}`,
    )
  const change = (app: App): Command[] => [
    {
      ...flyctl('secrets', 'import', '--stage', '--app', app.name),
      names: [name],
      readValues: () => Promise.resolve({ [name]: second }),
    },
    flyctl('secrets', 'unset', next, '--stage', '--app', app.name),
  ]
  return {
    steps: planSteps(`Accept only the new ${name}`, apps, change),
    text: setInDotEnv(text, { [name]: second }).replaceAll(new RegExp(`^${next}=.*\\n?`, 'gm'), ''),
  }
}

/** Services that callers reach last are changed last. */
function planSteps(
  title: string,
  apps: readonly App[],
  change: (app: App) => Command | readonly Command[],
): Step[] {
  const affected = apps.filter(({ roles }) => roles.some((role) => SERVER_ROLES.includes(role)))
  return affected.map((app) => ({
    title: `${title}: ${app.name}`,
    commands: [change(app), flyctl('secrets', 'deploy', '--app', app.name)].flat(),
  }))
}

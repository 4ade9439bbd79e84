// What exists on Fly.io, and whether the catalogue has a source. Reading it changes nothing.

import type { Check } from '../../src/cli/doctor/check.ts'
import type { App } from './apps.ts'
import { read, type Runner } from './commands.ts'
import { DeployError } from './deploy-error.ts'

export interface AppState {
  readonly exists: boolean
  readonly addresses: readonly { readonly address: string; readonly type: string }[]
  readonly secrets: readonly string[]
}

export type States = ReadonlyMap<string, AppState>

const ABSENT: AppState = { exists: false, addresses: [], secrets: [] }

/** @throws DeployError when flyctl is missing or not signed in */
export async function loadStates(
  runner: Runner,
  apps: readonly App[],
  org: string,
): Promise<States> {
  const listed = await readList(runner, 'apps', 'list', '--json', '--org', org)
  const names = new Set(listed.map((one) => member(one, 'name')))
  const states = new Map<string, AppState>()
  for (const { name } of apps)
    states.set(name, names.has(name) ? await loadState(runner, name) : ABSENT)
  return states
}

async function loadState(runner: Runner, app: string): Promise<AppState> {
  const addresses = await readList(runner, 'ips', 'list', '--json', '--app', app)
  const secrets = await readList(runner, 'secrets', 'list', '--json', '--app', app)
  return {
    exists: true,
    addresses: addresses.map((one) => ({
      address: member(one, 'address'),
      type: member(one, 'type'),
    })),
    secrets: secrets.map((one) => member(one, 'name')),
  }
}

async function readList(runner: Runner, ...args: readonly string[]): Promise<readonly object[]> {
  const text = await read(runner, { program: 'flyctl', args })
  try {
    // An empty list may be printed as null.
    const list = JSON.parse(text) as unknown
    if (list === null) return []
    if (Array.isArray(list)) return list as object[]
  } catch {
    // Reported below, as for any other value.
  }
  throw new DeployError(
    `\`flyctl ${args.join(' ')}\` did not print a JSON list. Update flyctl: flyctl version upgrade`,
  )
}

/** Some lists of flyctl have `Name`, others `name`. */
function member(object: object, name: string): string {
  const found = Object.entries(object).find(([key]) => key.toLowerCase() === name)?.[1] as unknown
  return typeof found === 'string' ? found : ''
}

/**
 * Checks the key of the first source before anything is created.
 *
 * @throws DeployError when the supplier refuses it, or cannot be reached
 */
export async function requireKey(runner: Runner, source: string): Promise<void> {
  const command = { program: 'shelfsync', args: ['doctor', '--json'] } as const
  // A new database has problems too: it is not migrated.
  const lines = (await read(runner, command, [0, 1])).trimEnd().split('\n')
  const checks = lines.map((line) => JSON.parse(line) as Check)
  const key = checks.find(({ name }) => name === `${source} key`)
  if (key?.state !== 'fail') return
  const text = [`The key of ${source} cannot be used, and nothing was created:`, key.message]
  throw new DeployError([...text, ...(key.hint === undefined ? [] : [key.hint])].join('\n  '))
}

/** Returns false for a database without the schema, too. */
export async function hasSource(runner: Runner): Promise<boolean> {
  try {
    const text = await read(runner, { program: 'shelfsync', args: ['sources', 'list', '--json'] })
    const { items } = JSON.parse(text.trimEnd().split('\n').at(-1) ?? '') as { items: unknown[] }
    return items.length > 0
  } catch (error) {
    if (error instanceof DeployError && error.message.includes('db/not-migrated')) return false
    throw error
  }
}

// The commands that lead from what exists to a complete deployment, in order. Pure: `--dry-run`
// prints the same list that a deployment executes.

import { findReaders, SETTING_NAMES } from '../../src/config/settings-schema.ts'
import { isSourceVariable } from '../../src/core/credentials.ts'
import { DEFAULT_PREFIX, type App } from './apps.ts'
import type { Command } from './commands.ts'
import { pickForRoles, type Values } from './environment.ts'
import type { AppState, States } from './state.ts'

export interface Step {
  readonly title: string
  readonly commands: readonly Command[]
}

export interface Deployment {
  readonly apps: readonly App[]
  readonly states: States
  readonly values: Values
  readonly prefix: string
  readonly org: string
  readonly staging: boolean
  /** An image that exists: nothing is built or migrated. */
  readonly image: string | null
  /** The label of a new image. */
  readonly label: string
  readonly loginsFile: string
  /** The source to add, or null if there is one. */
  readonly newSource: string | null
  /** Returns the address of the database with the login of an app. */
  readonly readDatabaseUrl: (login: App['login']) => Promise<string>
}

/** One source at a time fits in the memory of staging. */
const ONE_AT_A_TIME = ['FETCH_CONCURRENCY', 'APPLY_CONCURRENCY']
/** Workers of staging stop when they are idle, and the orchestrator or the scheduler wakes them. */
const STOP_WHEN_IDLE = ['--env', 'EXIT_WHEN_IDLE_SECONDS=300']
const PUBLIC_TYPES = ['v4', 'shared_v4', 'v6']

export function planDeployment(deployment: Deployment): readonly Step[] {
  const { apps, image, newSource } = deployment
  const steps: Step[] = [
    { title: 'Apps and addresses', commands: apps.flatMap((app) => planApp(deployment, app)) },
    { title: 'Database', commands: image === null ? planDatabase(deployment) : [] },
    { title: 'Secrets', commands: apps.flatMap((app) => planSecrets(deployment, app)) },
    { title: 'Image', commands: image === null ? planImage(deployment) : [] },
    { title: 'Machines', commands: apps.map((app) => planMachines(deployment, app)) },
    {
      title: 'Source',
      commands: newSource === null ? [] : [shelfsync('add', newSource, '--no-sync')],
    },
  ]
  return steps.filter(({ commands }) => commands.length > 0)
}

function planApp({ states, org }: Deployment, { name, address }: App): Command[] {
  const { exists, addresses } = stateOf(states, name)
  const has = (...types: readonly string[]) => addresses.some(({ type }) => types.includes(type))
  const commands = exists ? [] : [flyctl('apps', 'create', name, '--org', org)]
  if (address === 'public') {
    if (!has('v4', 'shared_v4'))
      commands.push(flyctl('ips', 'allocate-v4', '--shared', '--app', name))
    if (!has('v6')) commands.push(flyctl('ips', 'allocate-v6', '--app', name))
    return commands
  }
  const exposed = addresses.filter(({ type }) => PUBLIC_TYPES.includes(type))
  if (exposed.length > 0)
    commands.push(flyctl('ips', 'release', ...exposed.map((one) => one.address), '--app', name))
  if (address === 'flycast' && !has('private_v6'))
    commands.push(flyctl('ips', 'allocate-v6', '--private', '--app', name))
  return commands
}

function planDatabase({ apps, prefix, loginsFile }: Deployment): Command[] {
  const kinds = [...new Set(apps.map(({ login }) => login))]
  const names = prefix.replaceAll('-', '_')
  return [
    shelfsync('migrate'),
    shelfsync('logins', ...kinds, '--prefix', names, '--to', loginsFile),
  ]
}

/** Secrets are staged: the deployment that follows applies them. */
export function planSecrets(
  { states, values, readDatabaseUrl }: Pick<Deployment, 'states' | 'values' | 'readDatabaseUrl'>,
  { name, roles, login }: App,
): Command[] {
  const own = pickForRoles(values, roles)
  const names = ['DATABASE_URL', ...Object.keys(own)].toSorted()
  const obsolete = stateOf(states, name).secrets.filter(
    (one) => (SETTING_NAMES.includes(one) || isSourceVariable(one)) && !names.includes(one),
  )
  const imports: Command = {
    ...flyctl('secrets', 'import', '--stage', '--app', name),
    names,
    readValues: async () => ({ DATABASE_URL: await readDatabaseUrl(login), ...own }),
  }
  return obsolete.length === 0
    ? [imports]
    : [imports, flyctl('secrets', 'unset', ...obsolete, '--stage', '--app', name)]
}

/** The image is built once, in the registry of the first app. The others deploy the same one. */
function planImage({ apps: [first], label }: Deployment): Command[] {
  if (first === undefined) return []
  const args = ['--dockerfile', 'Dockerfile', '--build-only', '--push', '--image-label', label]
  return [flyctl('deploy', '.', ...configOf(first), ...args)]
}

function planMachines(deployment: Deployment, app: App): Command {
  const { apps, image, label, prefix, staging } = deployment
  const built = `registry.fly.io/${apps[0]?.name}:${label}`
  const wakes = apps.flatMap((one) => {
    const isDefault = prefix === DEFAULT_PREFIX && !staging
    const wakesWorkers = app.kind === 'orchestrator' || app.kind === 'scheduler'
    if (isDefault || !wakesWorkers || one.address !== 'flycast') return []
    return ['--env', `${one.kind.toUpperCase()}_WAKE_URL=http://${one.name}.flycast`]
  })
  const size = staging ? sizeForStaging(app) : []
  // A second machine would only wait, and public addresses were allocated where they are wanted.
  const args = ['--image', image ?? built, '--ha=false', '--no-public-ips', '--yes']
  return flyctl('deploy', '.', ...configOf(app), ...args, ...wakes, ...size)
}

function sizeForStaging({ roles, address, stagingMemoryMb }: App): string[] {
  const limits = ONE_AT_A_TIME.flatMap((name) =>
    findReaders(name).some((role) => roles.includes(role)) ? ['--env', `${name}=1`] : [],
  )
  const stops = address === 'flycast' ? STOP_WHEN_IDLE : []
  return ['--vm-size', 'shared-cpu-1x', '--vm-memory', String(stagingMemoryMb), ...limits, ...stops]
}

function configOf({ kind, name }: App): string[] {
  return ['--config', `deploy/fly/${kind}.toml`, '--app', name]
}

function stateOf(states: States, app: string): AppState {
  return states.get(app) ?? { exists: false, addresses: [], secrets: [] }
}

export function flyctl(...args: readonly string[]): Command {
  return { program: 'flyctl', args }
}

function shelfsync(...args: readonly string[]): Command {
  return { program: 'shelfsync', args }
}

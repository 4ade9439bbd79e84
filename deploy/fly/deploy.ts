// `deploy/fly/deploy.sh`: deploys all apps, or rotates a key. Every command that it executes is
// printed first; with `--dry-run`, it only prints them.

import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { Argument, Command as Program, InvalidArgumentError, Option } from 'commander'
import { credentialsOf } from '../../src/config/connection-address.ts'
import { toLoginAddress } from '../../src/config/login-address.ts'
import { SETTING_NAMES } from '../../src/config/settings-schema.ts'
import { VERSION } from '../../src/core/version.ts'
import { writePrivateFile } from '../../src/node/replace-file.ts'
import { createRedactor } from '../../src/telemetry/redact.ts'
import {
  createApps,
  APP_KINDS,
  DEFAULT_KINDS,
  DEFAULT_PREFIX,
  type App,
  type AppKind,
} from './apps.ts'
import { ROOT, run, type Runner } from './commands.ts'
import { DeployError } from './deploy-error.ts'
import { findEnvFile, loadEnvironment, pickValues, type Environment } from './environment.ts'
import { planDeployment, type Step } from './plan.ts'
import { beginRotation, finishRotation, ROTATED_KEYS, type RotatedKey } from './rotate.ts'
import { refuseProduction } from './staging.ts'
import { hasSource, loadStates, requireKey } from './state.ts'
import { syncOnce } from './sync-once.ts'

interface Flags {
  readonly staging?: boolean
  readonly prefix: string
  readonly org: string
  readonly apps: readonly AppKind[]
  readonly dryRun?: boolean
  readonly folder: string
}

interface DeployFlags extends Flags {
  readonly source: string
  readonly image?: string
  readonly url?: string
  readonly sync: boolean
}

/** A deployment whose settings are valid. */
interface Target {
  readonly apps: readonly App[]
  readonly prefix: string
  readonly environment: Environment
  readonly loginsFile: string
  readonly runner: Runner
}

const program = new Program('deploy.sh').description('Deploys Shelfsync to Fly.io.')
addFlags(program.command('deploy', { isDefault: true }))
  .description('create what is missing, migrate, deploy, and sync; safe to repeat')
  .option(
    '--source <shop>',
    'the source to add when there is none: a connector or an address',
    'medipim',
  )
  .option('--image <reference>', 'deploy this image, and neither build nor migrate: to roll back')
  .option('--url <address>', 'the address of the orchestrator, if it has a domain', parseUrl)
  .option('--no-sync', 'do not start a sync')
  .action(deploy)
addFlags(program.command('rotate'))
  .description('accept a second key; with --finish, only the second one')
  .addArgument(new Argument('<key>').choices(Object.keys(ROTATED_KEYS)))
  .option('--finish', 'end the rotation: refuse the first key')
  .action(rotate)

try {
  await program.parseAsync()
} catch (error) {
  if (!(error instanceof DeployError)) throw error
  console.error(`\ndeploy: ${error.message}`)
  process.exitCode = 1
}

function addFlags(command: Program): Program {
  return command
    .option('--staging', 'deploy .env.staging on smaller machines, as PREFIX-staging')
    .option(
      '--prefix <name>',
      'the beginning of the names of the apps',
      parsePrefix,
      DEFAULT_PREFIX,
    )
    .option('--org <slug>', 'the organisation on Fly.io', 'personal')
    .addOption(
      new Option('--apps <kinds>', `the apps, separated by commas: ${APP_KINDS.join(', ')}`)
        .argParser(parseKinds)
        .default(DEFAULT_KINDS, DEFAULT_KINDS.join(',')),
    )
    .option('--folder <path>', 'the folder of .env and .env.staging', ROOT)
    .option('--dry-run', 'print the commands and change nothing')
}

async function deploy(flags: DeployFlags): Promise<void> {
  await using opened = await openTarget(flags, flags.source)
  const { apps, prefix, environment, loginsFile, runner } = opened.target
  const { source, image = null, sync: syncs } = flags
  const [states, known] = [await loadStates(runner, apps, flags.org), await hasSource(runner)]
  if (!known && image === null && !runner.dryRun) await requireKey(runner, source)
  const steps = planDeployment({
    apps,
    states,
    prefix,
    loginsFile,
    image,
    staging: flags.staging === true,
    org: flags.org,
    values: environment.values,
    label: findLabel(),
    newSource: known ? null : source,
    readDatabaseUrl: (login) => readDatabaseUrl(environment, loginsFile, login),
  })
  await runSteps(runner, steps)
  const front = apps.find(({ address }) => address === 'public')
  if (front === undefined)
    return runner.say('\nNo app has a public address: the schedule starts the first sync.')
  const url = flags.url ?? `https://${front.name}.fly.dev`
  runner.say(`\nSync\n  ${url}/sync${syncs ? '' : ' is not requested'}`)
  if (syncs && !runner.dryRun) await syncOnce(url, environment.values['ADMIN_KEY'] ?? '')
}

async function rotate(
  key: RotatedKey,
  flags: Flags & { readonly finish?: boolean },
): Promise<void> {
  await using opened = await openTarget(flags, '')
  const { apps, environment, runner } = opened.target
  const states = await loadStates(runner, apps, flags.org)
  const absent = apps.filter(({ name }) => states.get(name)?.exists !== true)
  if (absent.length > 0)
    throw new DeployError(`Not deployed yet: ${absent.map(({ name }) => name).join(', ')}`)
  const finishes = flags.finish === true
  const { steps, text } = (finishes ? finishRotation : beginRotation)(key, apps, environment)
  const save = async () => {
    if (!runner.dryRun) await writePrivateFile(environment.path, text)
  }
  if (!finishes) await save()
  await runSteps(runner, steps)
  if (finishes) await save()
  const name = ROTATED_KEYS[key]
  const file = relative(process.cwd(), environment.path)
  runner.say(
    finishes
      ? `\nOnly the new ${name} is accepted; ${file} contains it.`
      : `\nBoth keys are accepted. Give ${name}_NEXT of ${file} to every caller.\n` +
          `Then run deploy.sh rotate ${key} --finish`,
  )
}

/** @throws DeployError when the settings are not valid, or staging is not apart from production */
async function openTarget(
  { staging = false, prefix: given, apps: kinds, dryRun = false, folder: envFolder }: Flags,
  source: string,
): Promise<AsyncDisposable & { readonly target: Target }> {
  const prefix = staging ? `${given}-staging` : given
  const apps = createApps(prefix, kinds)
  const path = resolve(envFolder, staging ? '.env.staging' : '.env')
  const environment = await loadEnvironment(path, apps, source)
  await warnOfReaders(path)
  if (staging) {
    const production = await findEnvFile(resolve(envFolder, '.env'))
    if (production !== null) refuseProduction(environment.values, pickValues(production))
  }
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-deploy-'))
  const runner: Runner = {
    dryRun,
    folder,
    env: { ...withoutSettings(), ...environment.values, DATABASE_URL: environment.ownerUrl },
    redact: createRedactor(environment.settings.secrets),
    say: (text) => console.log(text),
  }
  return {
    target: { apps, prefix, environment, loginsFile: `${path}.logins`, runner },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

/** Windows has no such modes, and reports all files as readable. */
async function warnOfReaders(path: string): Promise<void> {
  const { mode } = await stat(path)
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    console.log(`${path} can be read by other users of this machine: chmod 600 ${path}`)
}

/** The shell may have settings of another deployment. An empty one counts as absent. */
function withoutSettings(): Record<string, string> {
  return Object.fromEntries(SETTING_NAMES.map((name) => [name, '']))
}

async function runSteps(runner: Runner, steps: readonly Step[]): Promise<void> {
  for (const { title, commands } of steps) {
    runner.say(`\n${title}`)
    for (const command of commands) await run(runner, command)
  }
}

/** @throws DeployError when the file or the login is missing */
async function readDatabaseUrl(
  { servicesUrl }: Environment,
  file: string,
  login: App['login'],
): Promise<string> {
  const name = `${login.toUpperCase()}_DATABASE_URL`
  const values = parseEnv(await readFile(file, 'utf8').catch(() => ''))
  const credentials = credentialsOf(values[name] ?? '')
  if (credentials === null)
    throw new DeployError(`${file} has no ${name}: run deploy.sh without --image, which creates it`)
  const { user, password } = credentials
  return toLoginAddress(servicesUrl, { user: user.replace(/\..*$/, ''), password })
}

/** The version and the commit, so that an image of the registry can be recognised. */
function findLabel(): string {
  try {
    const git = (...args: readonly string[]) =>
      execFileSync('git', args, {
        cwd: ROOT,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      })
    const commit = git('rev-parse', '--short=12', 'HEAD').trim()
    return `${VERSION}-${commit}${git('status', '--porcelain') === '' ? '' : '-changed'}`
  } catch {
    return VERSION
  }
}

function parsePrefix(text: string): string {
  if (/^[a-z][a-z0-9-]{0,28}[a-z0-9]$/.test(text)) return text
  throw new InvalidArgumentError('Expected lower-case letters, digits and hyphens.')
}

/** The address receives ADMIN_KEY. */
function parseUrl(text: string): string {
  const { protocol, hostname, username } = URL.parse(text) ?? {}
  const isLocal = hostname === 'localhost' || hostname === '127.0.0.1'
  if (username === '' && (protocol === 'https:' || (protocol === 'http:' && isLocal))) return text
  throw new InvalidArgumentError('Expected an https:// address: http sends the key unencrypted.')
}

function parseKinds(text: string): readonly AppKind[] {
  const names = text.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !APP_KINDS.some((kind) => kind === name))
  if (unknown === undefined) return names as AppKind[]
  throw new InvalidArgumentError(`Expected some of ${APP_KINDS.join(', ')}.`)
}

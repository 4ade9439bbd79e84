// A flyctl for tests: a program with the arguments, the output and the exit codes of the real one.
// Its state is in the folder FAKE_FLY; a platform that starts machines may listen at
// FAKE_FLY_PLATFORM.

import { randomBytes } from 'node:crypto'
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseFlyConfig } from './fly-config.ts'
import { parseFlyctl, type FlyctlCall } from './flyctl-reference.ts'

export interface FakeApp {
  org: string
  addresses: { Address: string; Type: string }[]
  secrets: Record<string, string>
  /** Secrets that the next deployment applies; null removes one. */
  staged: Record<string, string | null>
  machines: number
  releases: {
    image: string
    memory: string | null
    env: Record<string, string>
    command: string
  }[]
}

export interface FakeFly {
  signedIn: boolean
  /** Names of apps that other people have. */
  taken: string[]
  apps: Record<string, FakeApp>
  images: string[]
}

/** A machine that the platform starts. */
export interface MachineRequest {
  readonly app: string
  readonly command: string
  readonly env: Readonly<Record<string, string>>
}

class Failure extends Error {}

const PUBLIC = ['v4', 'shared_v4', 'v6']

if (import.meta.main) {
  const folder = process.env['FAKE_FLY'] ?? ''
  try {
    await main(folder, process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    console.error(`Error: ${error.message}`)
    process.exitCode = 1
  }
}

async function main(folder: string, words: readonly string[]): Promise<void> {
  const stdin = words.includes('import') ? readFileSync(0, 'utf8') : ''
  appendFileSync(join(folder, 'calls.jsonl'), `${JSON.stringify({ words, stdin })}\n`)
  const state = JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8')) as FakeFly
  const call = parse(words)
  if (!state.signedIn)
    throw new Failure("no access token available. Please login with 'flyctl auth login'")
  const failing = join(folder, 'fail')
  const fails = existsSync(failing) && words.join(' ').includes(readFileSync(failing, 'utf8'))
  // Half of a failing command may have happened.
  if (fails && !words.includes('--image')) throw new Failure(`the platform failed ${stdin}`)
  await execute(state, call, stdin)
  writeFileSync(join(folder, 'state.json'), JSON.stringify(state, null, 2))
  if (fails) throw new Failure('timeout reached waiting for health checks to pass')
}

function parse(words: readonly string[]): FlyctlCall {
  try {
    return parseFlyctl(words)
  } catch (error) {
    throw new Failure(error instanceof Error ? error.message : String(error))
  }
}

async function execute(state: FakeFly, call: FlyctlCall, stdin: string): Promise<void> {
  switch (call.command) {
    case 'apps list':
      return printApps(state, call)
    case 'apps create':
      return createApp(state, call)
    case 'ips list':
      return printJson(appOf(state, call).addresses)
    case 'ips allocate-v4':
      return allocate(appOf(state, call), call.flags['shared'] ? 'shared_v4' : 'v4')
    case 'ips allocate-v6':
      return allocate(appOf(state, call), call.flags['private'] ? 'private_v6' : 'v6')
    case 'ips release':
      return release(appOf(state, call), call.args)
    case 'secrets list':
      return printSecrets(appOf(state, call))
    case 'secrets import':
      return stage(state, call, parseSecrets(stdin))
    case 'secrets unset':
      return stage(state, call, Object.fromEntries(call.args.map((name) => [name, null])))
    case 'secrets deploy':
      return restart(state, call)
    case 'deploy':
      return call.flags['build-only'] ? build(state, call) : deploy(state, call)
    default:
      throw new Failure(`the fake has no ${call.command}`)
  }
}

function printJson(value: unknown): void {
  console.log(JSON.stringify(value, null, 4))
}

function printApps({ apps }: FakeFly, { flags }: FlyctlCall): void {
  const org = flags['org']?.[0]
  const found = Object.entries(apps).filter(([, app]) => org === undefined || app.org === org)
  const list = found.map(([name, app]) => ({
    ID: name,
    Name: name,
    Status: app.machines > 0 ? 'deployed' : 'pending',
    Deployed: app.machines > 0,
    Hostname: `${name}.fly.dev`,
    Organization: { Slug: app.org },
  }))
  printJson(list.length === 0 ? null : list)
}

function createApp(state: FakeFly, { args: [name = ''], flags }: FlyctlCall): void {
  if (name in state.apps || state.taken.includes(name))
    throw new Failure('Validation failed: Name has already been taken')
  if (name.length > 63) throw new Failure('Validation failed: Name is too long')
  const org = flags['org']?.[0] ?? 'personal'
  state.apps[name] = { org, addresses: [], secrets: {}, staged: {}, machines: 0, releases: [] }
  console.log(`New app created: ${name}`)
}

function appOf({ apps }: FakeFly, { flags }: FlyctlCall): FakeApp {
  const name = flags['app']?.[0] ?? ''
  const app = apps[name]
  if (app === undefined) throw new Failure(`Could not find App "${name}"`)
  return app
}

function allocate({ addresses }: FakeApp, type: string): void {
  const tail = randomBytes(2).toString('hex')
  const v6 = type === 'private_v6' ? `fdaa:0:1::${tail}` : `2a09:8280:1::${tail}`
  addresses.push({ Address: type.endsWith('v4') ? '66.241.124.9' : v6, Type: type })
}

function release(app: FakeApp, released: readonly string[]): void {
  app.addresses = app.addresses.filter(({ Address }) => !released.includes(Address))
}

function printSecrets({ secrets, staged }: FakeApp): void {
  const all = Object.entries({ ...secrets, ...staged }).filter(([, value]) => value !== null)
  printJson(all.map(([name]) => ({ name, digest: 'f2ca1bb6c7e907d0', status: 'Deployed' })))
}

/** As internal/command/secrets/parser.go of flyctl, without values of several lines. */
function parseSecrets(text: string): Record<string, string> {
  const secrets: Record<string, string> = {}
  for (const line of text.split('\n')) {
    if (line.startsWith('#') || line.trim() === '') continue
    const at = line.indexOf('=')
    if (at === -1)
      throw new Failure(`Secrets must be provided as NAME=VALUE pairs (${line} is invalid)`)
    const value = line.slice(at + 1).replace(/^ +/, '')
    if (value.startsWith('"""')) throw new Failure('the fake reads no value of several lines')
    secrets[line.slice(0, at).trim()] = value.replace(/^"(.*)"$/, '$1')
  }
  return secrets
}

async function stage(
  state: FakeFly,
  call: FlyctlCall,
  secrets: Record<string, string | null>,
): Promise<void> {
  const app = appOf(state, call)
  Object.assign(app.staged, secrets)
  if (!call.flags['stage'] && app.machines > 0) await restart(state, call)
  else console.log('Secrets have been staged, but not set on VMs.')
}

function applyStaged(app: FakeApp): void {
  const all = { ...app.secrets, ...app.staged }
  const kept = Object.entries(all).filter((one): one is [string, string] => one[1] !== null)
  app.secrets = Object.fromEntries(kept)
  app.staged = {}
}

async function restart(state: FakeFly, call: FlyctlCall): Promise<void> {
  const app = appOf(state, call)
  const last = app.releases.at(-1)
  if (last === undefined)
    throw new Failure(
      "before using 'fly secrets deploy', you must first deploy your app at least once using 'fly deploy'",
    )
  applyStaged(app)
  app.releases.push(last)
  await startMachine(call, app)
}

function build(state: FakeFly, { flags }: FlyctlCall): void {
  readConfig(flags)
  if (!flags['push']) throw new Failure('the image would be in no registry')
  const image = `registry.fly.io/${flags['app']?.[0]}:${flags['image-label']?.[0]}`
  state.images.push(image)
  console.log(`--> Pushing image done\nimage: ${image}`)
}

async function deploy(state: FakeFly, call: FlyctlCall): Promise<void> {
  const { flags } = call
  const app = appOf(state, call)
  const config = readConfig(flags)
  const image = flags['image']?.[0] ?? ''
  if (!state.images.includes(image))
    throw new Failure(
      `failed to fetch an image or build from source: could not find image "${image}"`,
    )
  const isFirst = app.releases.length === 0
  const isPublic = app.addresses.some(({ Type }) => PUBLIC.includes(Type))
  if (isFirst && config.http_service && !isPublic && !flags['no-public-ips'])
    for (const type of ['shared_v4', 'v6']) allocate(app, type)
  const given = (flags['env'] ?? []).map((pair) => pair.split(/=(.*)/s) as [string, string])
  applyStaged(app)
  if (isFirst) app.machines = flags['ha']?.[0] === 'false' ? 1 : 2
  app.releases.push({
    image,
    memory: flags['vm-memory']?.[0] ?? null,
    command: Object.values(config.processes ?? {})[0] ?? '',
    env: { ...config.env, ...Object.fromEntries(given.map(([name, value]) => [name, value])) },
  })
  await startMachine(call, app)
  console.log(`Visit your newly deployed app at https://${flags['app']?.[0]}.fly.dev/`)
}

function readConfig(flags: FlyctlCall['flags']): ReturnType<typeof parseFlyConfig> {
  const path = flags['config']?.[0] ?? ''
  if (!existsSync(path)) throw new Failure(`file not found: ${path}`)
  return parseFlyConfig(readFileSync(path, 'utf8'))
}

/** Waits until the machine responds, as the health checks of a deployment do. */
async function startMachine({ flags }: FlyctlCall, app: FakeApp): Promise<void> {
  const platform = process.env['FAKE_FLY_PLATFORM']
  const name = flags['app']?.[0] ?? ''
  const { env = {}, command = '' } = app.releases.at(-1) ?? {}
  if (!platform) return
  const request: MachineRequest = {
    app: name,
    command,
    env: { ...env, ...app.secrets, FLY_APP_NAME: name },
  }
  const response = await fetch(platform, { method: 'POST', body: JSON.stringify(request) })
  if (!response.ok) throw new Failure(`machine of ${name}: ${await response.text()}`)
}

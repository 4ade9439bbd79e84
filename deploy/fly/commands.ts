// The commands of a deployment: formats them for `--dry-run`, and executes exactly what it prints.
// Secrets reach a command by its standard input or its environment, never by its arguments.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { text as readText } from 'node:stream/consumers'
import { secretsOfAddress } from '../../src/config/connection-address.ts'
import { isSecret } from '../../src/config/settings-schema.ts'
import { createRedactor } from '../../src/telemetry/redact.ts'
import { findErrno } from '../../src/node/system-errors.ts'
import { DeployError } from './deploy-error.ts'
import { formatSecrets, type Values } from './environment.ts'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

export interface Command {
  readonly program: 'flyctl' | 'shelfsync'
  readonly args: readonly string[]
  /** Names of the variables that the command reads from standard input. */
  readonly names?: readonly string[]
  /** The values of these names. Read when the command starts: an earlier one may create them. */
  readonly readValues?: () => Promise<Values>
}

export interface Runner {
  readonly dryRun: boolean
  /** The environment of `shelfsync`, and the folder in which it finds no other `.env`. */
  readonly env: Values
  readonly folder: string
  /** Hides secrets. */
  readonly redact: (text: string) => string
  readonly say: (text: string) => void
}

interface Output {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Formats a command as it can be entered in the root of the repository. */
export function formatCommand({ program, args, names }: Command): string {
  const line = [program === 'shelfsync' ? 'npx shelfsync' : program, ...args.map(quote)].join(' ')
  const database = program === 'shelfsync' ? 'DATABASE_URL="$MIGRATE_DATABASE_URL" ' : ''
  return `${database}${line}${names ? `  # standard input: ${names.join(', ')}` : ''}`
}

function quote(word: string): string {
  return /^[\w./:@=,+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}

/**
 * Prints the command, and executes it unless this is a dry run. Its output is shown without
 * secrets.
 *
 * @throws DeployError when it fails
 */
export async function run(runner: Runner, command: Command): Promise<void> {
  runner.say(`  $ ${formatCommand(command)}`)
  if (runner.dryRun) return
  const values = (await command.readValues?.()) ?? {}
  // Some of them are new: the passwords of logins, and the second key of a rotation.
  const own = createRedactor(listSecrets(values))
  const hiding = { ...runner, redact: (text: string) => own(runner.redact(text)) }
  const input = formatSecrets(values)
  const { code, stdout, stderr } = await start(hiding, command, { input, shows: true })
  if (code === 0) return
  throw new DeployError(explainFailure(command, `${stdout}\n${stderr}`, code))
}

function listSecrets(values: Values): string[] {
  const secrets = Object.entries(values).filter(([name]) => isSecret(name))
  return secrets.flatMap(([, value]) => [value, ...secretsOfAddress(value)])
}

/**
 * Executes a command that changes nothing, also in a dry run, and returns its standard output.
 *
 * @throws DeployError when it ends with none of `codes`
 */
export async function read(
  runner: Runner,
  command: Command,
  codes: readonly number[] = [0],
): Promise<string> {
  const { code, stdout, stderr } = await start(runner, command, { input: '', shows: false })
  if (codes.includes(code)) return stdout
  throw new DeployError(
    explainFailure(command, runner.redact(stderr.trim() || stdout.trim()), code),
  )
}

async function start(
  runner: Runner,
  { program, args }: Command,
  { input, shows }: { readonly input: string; readonly shows: boolean },
): Promise<Output> {
  const own = program === 'shelfsync'
  const [file, ...all] = own
    ? [process.execPath, `${ROOT}bin/shelfsync`, ...args]
    : [program, ...args]
  const child = spawn(file, all, {
    cwd: own ? runner.folder : ROOT,
    env: own ? { ...process.env, ...runner.env } : process.env,
    stdio: 'pipe',
  })
  // A command that ends early does not read its input.
  child.stdin.on('error', () => undefined).end(input)
  const collect = (stream: typeof child.stdout): Promise<string> =>
    shows ? show(runner, stream) : readText(stream)
  const outputs = Promise.all([collect(child.stdout), collect(child.stderr)])
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    const [stdout, stderr] = await outputs
    return { code: code ?? 1, stdout, stderr }
  } catch (error) {
    if (findErrno(error) === 'ENOENT') throw new DeployError(HOW_TO_INSTALL)
    throw error
  }
}

/** Prints the lines without secrets, and returns them. */
async function show(runner: Runner, stream: NodeJS.ReadableStream): Promise<string> {
  const lines: string[] = []
  for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
    lines.push(runner.redact(line))
    runner.say(`    ${lines.at(-1)}`)
  }
  return lines.join('\n')
}

const HOW_TO_INSTALL = `flyctl is not in PATH. Install it, and open a new terminal:
  macOS    brew install flyctl
  Linux    curl -L https://fly.io/install.sh | sh
  Windows  pwsh -Command "iwr https://fly.io/install.ps1 -useb | iex"`

const ADVICE: readonly (readonly [pattern: RegExp, advice: string])[] = [
  [
    /no access token|auth login|unauthorized|must be authenticated/i,
    'You are not signed in: run `flyctl auth login`, or set FLY_API_TOKEN.',
  ],
  [
    /name .*(already been taken|not available)/i,
    'Names are unique on Fly.io. Choose another with --prefix, or the organisation with --org.',
  ],
  [/organization.*not (be )?found|could not find organization/i, 'List yours: flyctl orgs list'],
  [
    /failed to fetch an image|manifest unknown|could not find image/i,
    'The image does not exist. List those of earlier releases: flyctl releases --image --app NAME',
  ],
]

function explainFailure(command: Command, output: string, code: number): string {
  const advice = ADVICE.find(
    ([pattern]) => command.program === 'flyctl' && pattern.test(output),
  )?.[1]
  const said = output.trim().split('\n').slice(-3).join('\n  ')
  return [
    `\`${formatCommand(command)}\` failed with exit code ${code}.`,
    ...(said === '' ? [] : [`  ${said}`]),
    advice ?? 'Correct the cause and run deploy.sh again: it continues where it stopped.',
  ].join('\n')
}

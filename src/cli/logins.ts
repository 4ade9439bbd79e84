// `shelfsync logins`: creates a database login for each kind of process, and writes their addresses
// to a file that only its owner may read.

import { randomBytes } from 'node:crypto'
import { parseEnv } from 'node:util'
import { type Command, InvalidArgumentError } from 'commander'
import { toLoginAddress } from '../config/login-address.ts'
import { credentialsOf } from '../config/connection-address.ts'
import { setInDotEnv } from '../config/edit-dot-env.ts'
import { messageOf, SyncError } from '../core/errors.ts'
import { openPool, type Db } from '../db/pool.ts'
import { saveLogin } from '../db/write/logins.ts'
import type { WorkerRole } from '../db/rights.ts'
import { writePrivateFile } from '../node/replace-file.ts'
import { readIfPresent } from '../node/read-if-present.ts'
import { parseChoice } from './arguments/choice.ts'
import { type Cli, formatExamples } from './cli.ts'

/** Kinds of processes, each with a role of the database. */
const SEPARATE = ['fetcher', 'maintainer', 'orchestrator', 'web', 'images', 'deliver'] as const
/** `services` is for one process with every role. */
const KINDS = [...SEPARATE, 'services'] as const
type Kind = (typeof KINDS)[number]

const PREFIX = /^[a-z][a-z0-9_]{0,40}$/
const PASSWORD_BYTES = 32

interface LoginFlags {
  readonly prefix: string
  readonly to: string
  readonly renew?: boolean
}

interface SavedLogin {
  readonly login: string
  readonly state: 'created' | 'unchanged'
  /** The variable of the file. */
  readonly variable: string
}

export function defineLogins(command: Command, cli: Cli): void {
  command
    .argument(
      '[kinds...]',
      `${SEPARATE.join(', ')} (default: all of these); services has the rights of all`,
      parseKind,
    )
    .option('--to <file>', 'the file for the addresses of the logins', '.env.logins')
    .option('--prefix <name>', 'the beginning of each name', parsePrefix, 'shelfsync_login')
    .option('--renew', 'new passwords; running processes keep their connections')
    .addHelpText(
      'after',
      formatExamples('shelfsync logins', 'shelfsync logins fetcher --renew --to production.env'),
    )
    .action((kinds: readonly Kind[], flags: LoginFlags) =>
      saveLogins(cli, kinds.length === 0 ? SEPARATE : kinds, flags),
    )
}

async function saveLogins(cli: Cli, kinds: readonly Kind[], flags: LoginFlags): Promise<void> {
  const { databaseUrl } = await cli.readSettings()
  if (databaseUrl === null)
    throw new SyncError(
      'usage/invalid',
      'Set DATABASE_URL to the login of its owner: other processes must reach the database',
    )
  await using tools = await cli.open()
  const before = await readAddresses(flags.to)
  const addresses = kinds.map((kind) => {
    const variable = `${kind.toUpperCase()}_DATABASE_URL`
    const known = flags.renew === true ? undefined : before.values[variable]
    const login = { user: `${flags.prefix}_${kind}`, password: passwordOf(known) }
    return { kind, variable, login, known, address: toLoginAddress(databaseUrl, login) }
  })
  cli.output.hide(addresses.flatMap(({ login, address }) => [login.password, address]))
  // Written before the database changes: after a failure, the next call uses the same passwords.
  const values = addresses.map(({ variable, address }) => [variable, address] as const)
  await saveAddresses(flags.to, setInDotEnv(before.text, Object.fromEntries(values)))
  const saved: SavedLogin[] = []
  for (const { kind, variable, login, known, address } of addresses) {
    const works = known !== undefined && (await accepts(address))
    if (!works) await create(tools.db, kind, { login, address })
    saved.push({ login: login.user, state: works ? 'unchanged' : 'created', variable })
  }
  const lines = saved.map(({ login, state, variable }) => `${login}: ${state}, ${variable}`)
  cli.output.result({ file: flags.to, logins: saved }, [...lines, `in ${flags.to}`].join('\n'))
}

/** @throws SyncError when the new login cannot connect */
async function create(
  db: Db,
  kind: Kind,
  {
    login: { user: name, password },
    address,
  }: { readonly login: { user: string; password: string }; readonly address: string },
): Promise<void> {
  await saveLogin(db, { name, password, roles: listRoles(kind) })
  const pool = await openPool(address, { applicationName: 'shelfsync logins', max: 1 })
  await pool.end()
}

function listRoles(kind: Kind): WorkerRole[] {
  return (kind === 'services' ? SEPARATE : [kind]).map((one) => `shelfsync_${one}` as const)
}

async function accepts(address: string): Promise<boolean> {
  try {
    const pool = await openPool(address, { applicationName: 'shelfsync logins', max: 1 })
    await pool.end()
    return true
  } catch {
    return false
  }
}

/** Hexadecimal digits need no encoding in an address. */
function passwordOf(address: string | undefined): string {
  const known = address === undefined ? null : credentialsOf(address)
  return known?.password || randomBytes(PASSWORD_BYTES).toString('hex')
}

async function readAddresses(
  path: string,
): Promise<{ text: string; values: Readonly<Record<string, string | undefined>> }> {
  try {
    const text = (await readIfPresent(path)) ?? ''
    return { text, values: parseEnv(text) }
  } catch (error) {
    throw new SyncError('usage/invalid', `${path} cannot be read: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

async function saveAddresses(path: string, text: string): Promise<void> {
  try {
    await writePrivateFile(path, text)
  } catch (cause) {
    throw new SyncError('usage/invalid', `${path} cannot be written: ${messageOf(cause)}`, {
      cause,
    })
  }
}

function parsePrefix(text: string): string {
  if (!PREFIX.test(text))
    throw new InvalidArgumentError(
      'It must begin with a lower-case letter; letters, digits and _ may follow.',
    )
  return text
}

/** Parses one of `[kinds...]`; commander passes the values before it. */
function parseKind(text: string, before: readonly Kind[] = []): readonly Kind[] {
  return [...before, parseChoice(text, KINDS)]
}

// `shelfsync init`: prompts for the database and the keys of suppliers, checks them as `doctor`
// does, and writes them to `.env`.

import { parseEnv } from 'node:util'
import type { Command } from 'commander'
import { openBasics } from '../app/compose.ts'
import { findUnencoded } from '../config/connection-address.ts'
import { setInDotEnv } from '../config/edit-dot-env.ts'
import { loadSettings, type Settings } from '../config/settings.ts'
import { CONNECTORS } from '../connectors/registry.ts'
import type { Connector } from '../core/connector.ts'
import { parseCredentials, type CredentialVariable } from '../core/credentials.ts'
import { messageOf, SyncError } from '../core/errors.ts'
import { openPool } from '../db/pool.ts'
import { writePrivateFile } from '../node/replace-file.ts'
import { type Cli, formatExamples } from './cli.ts'
import type { Check } from './doctor/check.ts'
import { checkSuppliers } from './doctor/suppliers.ts'
import { ask, isInteractive } from './terminal/prompt.ts'
import { readDotEnv } from './read-settings.ts'

type Values = Readonly<Record<string, string>>

export function defineInit(command: Command, cli: Cli): void {
  command.addHelpText('after', formatExamples('shelfsync init')).action(() => initialise(cli))
}

async function initialise(cli: Cli): Promise<void> {
  if (!isInteractive(cli)) throw describeByHand()
  const { output } = cli
  const before = await readDotEnv()
  const database = await askUntilValid(cli, () => askDatabase(cli, before))
  const values: Record<string, string> = { ...database }
  for (const connector of CONNECTORS.values()) {
    const key = await askUntilValid(cli, () => askKey(cli, connector, { before, values }))
    Object.assign(values, key)
  }
  const chosen = await confirmReplaced(cli, before, values)
  if (Object.keys(chosen).length > 0) await saveDotEnv(setInDotEnv(before, chosen))
  for (const name of Object.keys(chosen).filter((one) => cli.env[one]))
    output.note(`${name} is also set in the environment, which overrides .env`)
  const next =
    database['DATABASE_URL'] === undefined ? 'shelfsync add medipim' : 'shelfsync migrate'
  output.result(
    { written: Object.keys(chosen) },
    `${Object.keys(chosen).length === 0 ? 'Nothing was written.' : `.env contains ${Object.keys(chosen).join(', ')}.`} Next: ${next}`,
  )
}

/** The error without a terminal: the lines to write instead. */
function describeByHand(): SyncError {
  const keys = [...CONNECTORS.values()].flatMap(({ credentials: { variables } }) =>
    Object.values(variables)
      .filter(({ name, ...variable }) => isPromptedFor(variable) && name !== null)
      .map(({ name, example }) => `  ${name}=${example}`),
  )
  return new SyncError(
    'usage/invalid',
    [
      'init asks questions, which needs a terminal. Instead, write these lines into .env, as far as you need them, and run `shelfsync doctor`:',
      '  DATABASE_URL=postgres://user:password@host:5432/database',
      ...keys,
    ].join('\n'),
  )
}

function isPromptedFor({
  secret,
  isPrompted = false,
  isRetired = false,
}: Pick<CredentialVariable, 'secret' | 'isPrompted' | 'isRetired'>): boolean {
  return !isRetired && (secret || isPrompted)
}

/** Asks again after a named error, which it prints. */
async function askUntilValid(cli: Cli, question: () => Promise<Values>): Promise<Values> {
  for (;;) {
    try {
      return await question()
    } catch (error) {
      if (!(error instanceof SyncError) || cli.input.readableEnded) throw error
      cli.output.error(error)
    }
  }
}

async function askDatabase(cli: Cli, before: string): Promise<Values> {
  const address = await ask(
    cli,
    'Address of the database without its password, such as postgres://user@host:5432/database\n(empty: the embedded Postgres): ',
  )
  if (address === '') return {}
  const [, start = '', user = '', place = ''] =
    /^(postgres(?:ql)?:\/\/)(?:([^]*)@)?([^]*)$/.exec(address) ?? []
  if (start === '') throw new SyncError('settings/invalid', 'It must begin with postgres://')
  const [, name = '', given] = /^([^:]*)(?::([^]*))?$/.exec(user) ?? []
  const password =
    given ?? (name === '' ? '' : await ask(cli, `Password of ${name}: `, { hidden: true }))
  const url = `${start}${name === '' ? '' : `${encode(name)}${password === '' ? '' : `:${encode(password)}`}@`}${place}`
  const settings = loadWith(cli, before, { DATABASE_URL: url })
  const db = await openPool(url, { applicationName: 'shelfsync init' })
  await db.end()
  cli.output.note(`ok    ${settings.databaseUrl === null ? 'embedded' : place} accepts the login`)
  return { DATABASE_URL: url }
}

/** Encodes a user name or a password, unless it is encoded already. */
function encode(text: string): string {
  const isEncoded = /%[0-9a-f]{2}/i.test(text) && findUnencoded(`postgres://${text}@h`) === null
  return isEncoded ? text : encodeURIComponent(text)
}

/**
 * Prompts for the secrets of a connector until they are complete, then for what belongs to them, and has
 * the supplier check them.
 */
async function askKey(
  cli: Cli,
  connector: Connector,
  { before, values }: { readonly before: string; readonly values: Values },
): Promise<Values> {
  const { credentials, name: connectorName } = connector
  const given: Record<string, string> = {}
  for (const { name, secret, description, ...variable } of Object.values(credentials.variables)) {
    if (name === null || !isPromptedFor({ secret, ...variable })) continue
    const { credentials: parsed } = parseCredentials(credentials, given, null)
    if (secret === (parsed !== null && credentials.isComplete(parsed))) continue
    const empty = secret ? 'no key' : variable.default
    const skip = !secret || Object.keys(given).length === 0 ? ` Empty: ${empty}.` : ''
    const value = await ask(cli, `${connectorName}: ${description}${skip}\n${name}: `, {
      hidden: secret,
    })
    if (value === '' && secret) return {}
    if (value !== '') given[name] = value
  }
  if (Object.keys(given).length === 0) return {}
  const settings = loadWith(cli, before, { ...values, ...given })
  await using basics = openBasics(settings, await cli.createHost(settings))
  const connectors = new Map([[connectorName, connector]])
  const only = { ...basics, connectors, clientOf: () => basics.http }
  const signal = new AbortController().signal
  for (const check of await checkSuppliers(only, [], signal)) {
    if (check.state === 'fail') await confirmUnchecked(cli, connectorName, check)
    else cli.output.note(`${check.state.padEnd(4)}  ${connectorName} key ${check.message}`)
  }
  return given
}

/**
 * Asks whether to keep a key that could not be checked, for example without a network.
 *
 * @throws SyncError when the supplier refused the key, or the person does not keep it
 */
async function confirmUnchecked(cli: Cli, connector: string, check: Check): Promise<void> {
  const { code = 'source/unauthorized', message } = check
  if (code === 'source/unauthorized')
    throw new SyncError(code, `${connector} did not accept the key: ${message}`)
  cli.output.note(`The key of ${connector} could not be checked: ${message}`)
  if (!/^y(es)?$/i.test(await ask(cli, 'Keep it without a check? [y/N] ')))
    throw new SyncError(code, `The key of ${connector} is not kept`)
}

/** @throws SyncError `settings/invalid` */
function loadWith(cli: Cli, before: string, values: Values): Settings {
  const settings = loadSettings({ ...cli.env, ...values }, before)
  cli.output.hide(settings.secrets)
  return settings
}

/** Returns the values that are new, or that the person agrees to replace. */
async function confirmReplaced(cli: Cli, before: string, values: Values): Promise<Values> {
  const present = parseEnv(before)
  const chosen: Record<string, string> = {}
  for (const [name, value] of Object.entries(values)) {
    const old = present[name] ?? ''
    if (old === value) continue
    const answer =
      old === '' ? 'yes' : await ask(cli, `.env already sets ${name}. Replace it? [y/N] `)
    if (/^y(es)?$/i.test(answer)) chosen[name] = value
    else cli.output.note(`${name} stays as it is`)
  }
  return chosen
}

/** Replaces `.env` by a file that only its owner may read. @throws SyncError `settings/invalid` */
async function saveDotEnv(text: string): Promise<void> {
  try {
    await writePrivateFile('.env', text)
  } catch (cause) {
    throw new SyncError('settings/invalid', `.env cannot be written: ${messageOf(cause)}`, {
      cause,
    })
  }
}

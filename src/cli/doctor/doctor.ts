// `shelfsync doctor`: checks everything that a sync needs and prints advice for each problem. It
// changes nothing. With roles, it checks what a process with them needs.

import type { Command } from 'commander'
import { findMisspelt } from '../../config/dot-env.ts'
import type { Settings } from '../../config/settings.ts'
import { ROLES, WORKER_ROLES, type Role } from '../../core/roles.ts'
import { parseRole } from '../arguments/roles.ts'
import { type Check, toFailedCheck } from './check.ts'
import { type Cli, formatExamples, EXIT } from '../cli.ts'
import { checkDatabase } from './database.ts'
import { checkSourceSecrets, checkSuppliers } from './suppliers.ts'
import {
  checkKeys,
  checkPlatform,
  checkPrivateHosts,
  checkQueue,
  checkStore,
} from './environment.ts'
import { checkRequiredKey, checkServiceDatabase } from './service.ts'
import { openRequests } from './open-requests.ts'
import { checkReachability } from './sources.ts'
import { formatQuantity } from '../../lib/words.ts'
import { openBasics } from '../../app/compose.ts'
import { readDotEnv } from '../read-settings.ts'

export function defineDoctor(command: Command, cli: Cli): void {
  command
    .argument(
      '[roles...]',
      `check only what shelfsync serve with these roles needs: ${ROLES.join(', ')}`,
      parseRole,
    )
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync doctor',
        'shelfsync doctor --json',
        'shelfsync doctor orchestrator',
      ),
    )
    .action((roles: readonly Role[]) => diagnose(cli, roles))
}

async function diagnose(cli: Cli, roles: readonly Role[]): Promise<void> {
  const found = { fail: 0, warn: 0, ok: 0 }
  const reportAll = roles.length === 0 ? checkAll : checkService
  await reportAll({ cli, roles, signal: cli.createStopSignal('stopping') }, (one) => {
    found[one.state] += 1
    reportCheck(cli, one)
  })
  const { fail: problems, warn: warnings } = found
  cli.output.result(
    { problems, warnings },
    (problems === 0 ? 'no problem' : formatQuantity(problems, 'problem')) +
      (warnings === 0 ? '' : `, ${formatQuantity(warnings, 'warning')}`),
  )
}

interface Request {
  readonly cli: Cli
  readonly roles: readonly Role[]
  readonly signal: AbortSignal
}
type Report = (check: Check) => void

async function checkAll({ cli, signal }: Request, report: Report): Promise<void> {
  const settings = await checkSettings(cli, report)
  if (settings === null) return
  reportPresent(report, checkPlatform(settings), checkKeys(settings))
  await using basics = openBasics(settings, await cli.createHost(settings))
  let isSound = true
  const sources = await checkDatabase(cli.output, settings, (one) => {
    isSound &&= one.state !== 'fail'
    report(one)
  })
  if (settings.queue.url !== null) report(await checkQueue(settings.queue.url))
  report(await checkStore(basics.store, settings))
  await using requests = isSound && sources.length > 0 ? await openRequests(basics) : null
  const tools = { ...basics, clientOf: requests?.clientOf ?? (() => basics.http) }
  for (const one of await checkSuppliers(tools, sources, signal)) report(one)
  reportPresent(report, checkSourceSecrets(basics, sources))
  for (const one of await checkReachability(tools, sources, signal)) report(one)
  report(checkPrivateHosts(settings))
}

async function checkService({ cli, roles, signal }: Request, report: Report): Promise<void> {
  const settings = await checkSettings(cli, report)
  if (settings === null) return
  const key = checkRequiredKey(settings, roles) ?? checkKeys(settings)
  reportPresent(report, checkPlatform(settings, roles), key)
  await using basics = openBasics(settings, await cli.createHost(settings))
  await checkServiceDatabase(cli.output, settings, roles, report)
  if (settings.queue.url !== null) report(await checkQueue(settings.queue.url))
  if (roles.some((role) => WORKER_ROLES.includes(role)))
    report(await checkStore(basics.store, settings))
  if (!roles.includes('fetcher')) return
  const clientOf = () => basics.http
  for (const one of await checkSuppliers({ ...basics, clientOf }, [], signal)) report(one)
  report(checkPrivateHosts(settings))
}

/** Returns null when the settings are not valid. */
async function checkSettings(cli: Cli, report: Report): Promise<Settings | null> {
  try {
    const settings = await cli.readSettings()
    report(checkNames(await readDotEnv()))
    return settings
  } catch (error) {
    report(toFailedCheck('settings', error))
    return null
  }
}

function reportPresent(report: Report, ...checks: readonly (Check | null)[]): void {
  for (const one of checks) if (one !== null) report(one)
}

function reportCheck(cli: Cli, check: Check): void {
  const { name, state, message, hint } = check
  if (state === 'fail') cli.end(EXIT.failed)
  const advice = hint === undefined ? '' : `\n      ${' '.repeat(14)} hint: ${hint}`
  cli.output.result(check, `${state.padEnd(4)}  ${name.padEnd(14)} ${message}${advice}`)
}

/** Checks the names in `.env`, after the settings were read without an error. */
export function checkNames(dotEnvText: string): Check {
  const name = 'settings'
  const misspelt = findMisspelt(dotEnvText)
  if (misspelt.length === 0) return { name, state: 'ok', message: 'all readable' }
  const names = misspelt.map((slip) => `${slip.name} is not ${slip.meant}`).join(', ')
  return {
    name,
    state: 'warn',
    message: `all readable, but in .env ${names}`,
    hint: 'Correct the name, unless another program reads it.',
  }
}

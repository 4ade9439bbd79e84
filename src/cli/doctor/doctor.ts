// `shelfsync doctor`: checks everything that a sync needs and prints advice for each problem. It
// changes nothing.

import type { Command } from 'commander'
import { findMisspelt } from '../../config/dot-env.ts'
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
import { checkReachability } from './sources.ts'
import { formatQuantity } from '../format/format.ts'
import { openBasics } from '../../app/compose.ts'
import { readDotEnv } from '../read-settings.ts'

export function defineDoctor(command: Command, cli: Cli): void {
  command
    .addHelpText('after', formatExamples('shelfsync doctor', 'shelfsync doctor --json'))
    .action(() => checkAll(cli))
}

async function checkAll(cli: Cli): Promise<void> {
  const found = { fail: 0, warn: 0, ok: 0 }
  await reportAll(cli, (check) => {
    found[check.state] += 1
    reportCheck(cli, check)
  })
  const { fail: problems, warn: warnings } = found
  cli.output.result(
    { problems, warnings },
    (problems === 0 ? 'no problem' : formatQuantity(problems, 'problem')) +
      (warnings === 0 ? '' : `, ${formatQuantity(warnings, 'warning')}`),
  )
}

async function reportAll(cli: Cli, report: (check: Check) => void): Promise<void> {
  const signal = cli.createStopSignal('stopping')
  let settings
  try {
    settings = await cli.readSettings()
    report(checkNames(await readDotEnv()))
  } catch (error) {
    return report(toFailedCheck('settings', error))
  }
  const platform = checkPlatform(settings)
  if (platform !== null) report(platform)
  const keys = checkKeys(settings)
  if (keys !== null) report(keys)
  await using basics = openBasics(settings, await cli.createHost(settings))
  const sources = await checkDatabase(cli.output, settings, report)
  if (settings.queue.url !== null) report(await checkQueue(settings.queue.url))
  report(await checkStore(basics.store, settings))
  for (const check of await checkSuppliers(basics, sources, signal)) report(check)
  const secrets = checkSourceSecrets(basics, sources)
  if (secrets !== null) report(secrets)
  for (const check of await checkReachability(basics, sources, signal)) report(check)
  report(checkPrivateHosts(settings))
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

// `shelfsync doctor`: checks everything that a sync needs and says what to do about what is wrong.
// It changes nothing.

import type { Command } from 'commander'
import { findMisspelt } from '../config/dot-env.ts'
import { type Check, toFailedCheck } from './check.ts'
import { type Cli, formatExamples, EXIT } from './cli.ts'
import { checkDatabase } from './doctor-database.ts'
import { checkSourceSecrets, checkSuppliers } from './doctor-suppliers.ts'
import { checkPrivateHosts, checkQueue, checkStore } from './doctor-world.ts'
import { openBasics } from '../app/compose.ts'
import { readDotEnv } from './read-settings.ts'

export function addDoctor(program: Command, cli: Cli): void {
  program
    .command('doctor')
    .description('check settings, database, artifact store, keys and clocks, and say what to do')
    .addHelpText('after', formatExamples('shelfsync doctor', 'shelfsync doctor --json'))
    .action(async () => {
      const signal = cli.createStopSignal('stopping')
      const tell = (check: Check): void => {
        if (check.state === 'fail') cli.end(EXIT.failed)
        cli.output.result(
          check,
          `${check.state.padEnd(4)}  ${check.name.padEnd(14)} ${check.message}${check.hint === undefined ? '' : `\n      ${' '.repeat(14)} hint: ${check.hint}`}`,
        )
      }
      let settings
      try {
        settings = await cli.readSettings()
        tell(checkNames(await readDotEnv()))
      } catch (error) {
        return tell(toFailedCheck('settings', error))
      }
      await using basics = openBasics(settings, cli.createHost(settings))
      const sources = await checkDatabase(cli.output, settings, tell)
      if (settings.queue.url !== null) tell(await checkQueue(settings.queue.url))
      tell(await checkStore(basics.store, settings))
      for (const check of await checkSuppliers(basics, sources, signal)) tell(check)
      const secrets = checkSourceSecrets(basics, sources)
      if (secrets !== null) tell(secrets)
      tell(checkPrivateHosts(settings))
    })
}

/** Of settings that could be read. */
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

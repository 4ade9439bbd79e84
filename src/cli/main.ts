// The command line. Everything that may end the process is here; commands only say how it went.

import { CommanderError } from 'commander'
import { isAbort, SyncError } from '../core/errors.ts'
import { Cli, EXIT } from './cli.ts'
import { Output } from './output.ts'
import { createProgram } from './program.ts'

// pg would ask for a replication connection, which takes no statements with parameters.
delete process.env['PGREPLICATION']
const output = new Output(process.stdout, process.stderr)
const cli = new Cli(output, process.env)

const ignore = (): void => undefined
// Whoever reads us may leave early, as `head` does: what is left to say is then dropped. A full
// disk is said, once.
process.stdout.on('error', ignore).once('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return
  output.note(`error: the results cannot be written: ${error.message}`)
  cli.end(EXIT.failed)
  process.exitCode = cli.exitCode
})
process.stderr.on('error', ignore)

try {
  await createProgram(cli).parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    cli.end(error.exitCode === 0 ? EXIT.green : EXIT.usage)
  } else {
    output.error(error)
    cli.end(
      isAbort(error)
        ? EXIT.interrupted
        : error instanceof SyncError && error.code === 'usage/invalid'
          ? EXIT.usage
          : EXIT.failed,
    )
  }
}
process.exitCode = cli.exitCode

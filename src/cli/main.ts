// The entry point of the command line: runs one command and turns errors into the exit code.

import { Cli, EXIT, toErrorExitCode } from './cli.ts'
import { Output } from './terminal/output.ts'
import { runProgram } from './program.ts'

// With PGREPLICATION, pg opens a replication connection, which rejects statements with parameters.
delete process.env['PGREPLICATION']
const output = new Output(process.stdout, process.stderr)
output.colours = showsColours(process.env)
const cli = new Cli(output, process.env)

const ignore = (): void => undefined
// A reader such as `head` may close the pipe early; the rest of the output is then dropped. A full
// disk is reported once.
process.stdout.on('error', ignore).once('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return
  output.note(`error: the results cannot be written: ${error.message}`)
  cli.end(EXIT.failed)
  process.exitCode = cli.exitCode
})
process.stderr.on('error', ignore)

cli.handleStops()
// The exit also removes the bars and shows the cursor.
process.on('uncaughtException', (error) => {
  cli.reportError(error)
  void cli.sendLastErrors().then(() => process.exit(EXIT.failed))
})
try {
  await runProgram(cli, process.argv.slice(2))
} catch (error) {
  cli.reportError(error)
  cli.end(toErrorExitCode(error))
}
cli.reportStop()
process.exitCode = cli.exitCode

/** Only on a terminal. FORCE_COLOR overrides NO_COLOR and TERM=dumb there. */
function showsColours({ FORCE_COLOR: force, NO_COLOR: no, TERM }: NodeJS.ProcessEnv): boolean {
  if (!process.stdout.isTTY) return false
  if (force) return force !== '0' && force !== 'false'
  return !no && TERM !== 'dumb'
}

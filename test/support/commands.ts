// Runs the command line inside the test's process, which is as fast as a function call, with an
// empty standard input, and keeps its output.

import { Readable } from 'node:stream'
import { Cli } from '../../src/cli/cli.ts'
import { Output } from '../../src/cli/terminal/output.ts'
import { runProgram } from '../../src/cli/program.ts'

export interface CommandOutput {
  readonly stdout: string
  readonly stderr: string
}

/** `said` grows while the command runs. */
export async function runCommand(
  env: Readonly<Record<string, string>>,
  args: readonly string[],
  written = { stdout: '', stderr: '' },
): Promise<CommandOutput> {
  const output = new Output(
    { write: (text) => (written.stdout += text) },
    { write: (text) => (written.stderr += text) },
  )
  try {
    await runProgram(new Cli(output, env, Readable.from([])), args)
  } catch (error) {
    output.error(error)
  }
  return written
}

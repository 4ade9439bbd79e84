// Runs the command line inside the test's process, which is as fast as a function call, with an
// empty standard input, and keeps its output.

import { Readable } from 'node:stream'
import { Cli } from '../../src/cli/cli.ts'
import { Output } from '../../src/cli/terminal/output.ts'
import { runProgram } from '../../src/cli/program.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export interface CommandOutput {
  readonly stdout: string
  readonly stderr: string
  /** True if it ended with an error. */
  readonly failed: boolean
}

/** `written` grows while the command runs. */
export async function runCommand(
  env: Readonly<Record<string, string | undefined>>,
  args: readonly string[],
  written = { stdout: '', stderr: '' },
): Promise<CommandOutput> {
  const output = new Output(
    { write: (text) => (written.stdout += text) },
    { write: (text) => (written.stderr += text) },
  )
  const listeners = SIGNALS.map((signal) => process.listeners(signal))
  try {
    await runProgram(new Cli(output, env, Readable.from([])), args)
  } catch (error) {
    output.error(error)
    return { ...written, failed: true }
  } finally {
    // A command expects to be the only one of its process, and leaves its listeners.
    for (const [index, signal] of SIGNALS.entries())
      for (const listener of process.listeners(signal))
        if (!listeners[index]?.includes(listener)) process.off(signal, listener)
  }
  return { ...written, failed: false }
}

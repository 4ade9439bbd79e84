// Questions on a terminal. They are printed on standard error, so that standard output contains
// results only.

import { createInterface } from 'node:readline'
import { type Readable, Writable } from 'node:stream'
import { SyncError } from '../../core/errors.ts'
import type { Cli } from '../cli.ts'

/** Standard input, or a terminal in a test. */
export type Input = Readable & { readonly isTTY?: boolean }

/** Returns true if a person sees what is printed and can type. */
export function isInteractive({ input, output }: Cli): boolean {
  return input.isTTY === true && output.stderr.isTTY === true && !output.json
}

/**
 * Prints `question` and returns the line that the person types, without surrounding blanks. With
 * `hidden`, the terminal does not show it.
 *
 * @throws AbortError on Ctrl-C · SyncError `usage/invalid` at the end of the input
 */
export function ask(cli: Cli, question: string, { hidden = false } = {}): Promise<string> {
  const { stderr } = cli.output
  stderr.write(`${cli.output.renderMessage(question.trimEnd())} `)
  const screen = !hidden && stderr instanceof Writable ? stderr : new Writable({ write: drop })
  const lines = createInterface({ input: cli.input, output: screen, terminal: true })
  return new Promise<string>((resolve, reject) => {
    lines.once('line', (line) => {
      if (screen !== stderr) stderr.write('\n')
      resolve(line.trim())
      lines.close()
    })
    lines.once('SIGINT', () => {
      stderr.write('\n')
      reject(AbortSignal.abort().reason as Error)
      lines.close()
    })
    lines.once('close', () => reject(new SyncError('usage/invalid', 'The input ended')))
  })
}

/**
 * Asks a question that only `y` or `yes` affirms.
 *
 * @throws SyncError `usage/invalid` without a terminal, with the command that needs no question
 */
export async function confirm(
  cli: Cli,
  question: string,
  { done, command }: { readonly done: string; readonly command: string },
): Promise<boolean> {
  if (!isInteractive(cli))
    throw new SyncError(
      'usage/invalid',
      `Nothing was ${done}, because the question needs a terminal. Confirm with --yes: ${command}`,
    )
  return /^y(es)?$/i.test(await ask(cli, `${question} [y/N] `))
}

function drop(_chunk: unknown, _encoding: string, done: () => void): void {
  done()
}

// Long results on a terminal go through the user's pager, as in git.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Env } from '../read-settings.ts'
import type { Output } from './output.ts'

/**
 * Quits if the text fits on the screen, keeps colours, and leaves the text on the screen. Without
 * `less`, the shell's message is not shown and the text is printed.
 */
const DEFAULT_PAGER = 'less -FRX 2>/dev/null'
/** Rows of a terminal that does not report its size. */
const DEFAULT_ROWS = 24
/** Exit code of a shell that does not find the command. */
const NOT_FOUND = 127

/**
 * Prints the text as a result. With `pager`, a text that is longer than the terminal goes to $PAGER,
 * or to `less`; never to a pipe or a file, and never JSON. Without a working pager it is printed.
 */
export async function printPaged(
  output: Output,
  { value, text }: { readonly value: unknown; readonly text: string },
  { env, pager }: { readonly env: Env; readonly pager: boolean },
): Promise<void> {
  const { stdout } = output
  const command = env['PAGER'] ?? (process.platform === 'win32' ? '' : DEFAULT_PAGER)
  const rendered = output.render(text)
  const isLong = rendered.split('\n').length > (stdout.rows || DEFAULT_ROWS)
  const isPaged = pager && !output.json && stdout.isTTY === true && isLong
  if (isPaged && command !== '' && command !== 'cat' && (await runPager(command, rendered))) return
  output.result(value, text)
}

/** Returns false if the pager could not be started. */
async function runPager(command: string, text: string): Promise<boolean> {
  const listeners = process.rawListeners('SIGINT') as (() => void)[]
  const ignore = (): void => undefined
  // Ctrl-C belongs to the pager.
  process.removeAllListeners('SIGINT').on('SIGINT', ignore)
  try {
    const child = spawn(command, { shell: true, stdio: ['pipe', 'inherit', 'inherit'] })
    // A pager may end before it has read everything.
    child.stdin.on('error', ignore)
    child.stdin.end(`${text}\n`)
    const [code] = (await once(child, 'close')) as [number | null]
    return code !== NOT_FOUND
  } catch {
    return false
  } finally {
    process.removeListener('SIGINT', ignore)
    for (const listener of listeners) process.on('SIGINT', listener)
  }
}

// Processes of their own for what is measured, so that measuring shares no memory with it.

import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { ENVIRONMENT, NODE_FLAGS } from '../bin/launch.js'

/**
 * Starts a file of this folder as a process, as bin/shelfsync starts the command line, and waits
 * for its first message.
 */
export async function forkChild<Message>(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ child: ChildProcess; message: Message }> {
  const child = fork(join(import.meta.dirname, file), args, {
    execArgv: NODE_FLAGS,
    env: { ...process.env, ...ENVIRONMENT, ...env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const failed = once(child, 'exit').then(() => {
    throw new Error(`${file} ended without an answer`)
  })
  failed.catch(() => undefined)
  const [message] = (await Promise.race([once(child, 'message'), failed])) as [Message]
  return { child, message }
}

// Starts separate processes, so that a measurement shares no memory with the measured code.

import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { ENVIRONMENT, NODE_FLAGS } from '../bin/launch.js'

/** Starts a file of this folder with the flags of bin/shelfsync and waits for its first message. */
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
    throw new Error(`${file} ended without a message`)
  })
  failed.catch(() => undefined)
  const [message] = (await Promise.race([once(child, 'message'), failed])) as [Message]
  return { child, message }
}

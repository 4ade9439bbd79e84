// Starts separate processes, so that a measurement shares no memory with the measured code.

import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { ENVIRONMENT, NODE_FLAGS } from '../bin/launch.js'

/** The figures of a measured child process. */
export interface ChildFigures {
  /** Duration of the work, without the start and end of the process. */
  readonly seconds: number
  /** CPU time of the process since its start, user and system, of all its threads. */
  readonly cpuSeconds: number
}

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

/** Runs a file of this folder to its end and returns the figures that it reports. */
export async function runChild<Figures extends ChildFigures = ChildFigures>(
  file: string,
  args: readonly string[],
): Promise<Figures> {
  const { child, message } = await forkChild<Figures>(file, args)
  await waitForExit(child)
  if (child.exitCode !== 0) throw new Error(`${file} ended with ${child.exitCode}`)
  return message
}

/** Ends a child that waits for the end of its channel. */
export async function endChild(child: ChildProcess): Promise<void> {
  child.disconnect()
  await waitForExit(child)
}

/** Sends the figures of this process to its parent. Call it last, when connections are closed. */
export function reportFigures<Figures extends Omit<ChildFigures, 'cpuSeconds'>>(
  figures: Figures,
): void {
  const message: ChildFigures = { ...figures, cpuSeconds: readOwnCpuSeconds() }
  process.send?.(message)
  process.disconnect?.()
}

export function readOwnCpuSeconds(): number {
  const { userCPUTime, systemCPUTime } = process.resourceUsage()
  return (userCPUTime + systemCPUTime) / 1e6
}

async function waitForExit(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

// Settings of a command: the environment, and `.env` in the working directory.

import { readFile } from 'node:fs/promises'
import { decodeDotEnv, findCutValues, findEarlyQuotes, findRepeated } from '../config/dot-env.ts'
import { loadSettings, type Settings } from '../config/settings.ts'
import { messageOf, SyncError } from '../core/errors.ts'
import { findErrno } from '../node/system-errors.ts'
import type { Output } from './terminal/output.ts'

export type Env = Readonly<Record<string, string | undefined>>

const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'].flatMap((name) => [
  name,
  name.toLowerCase(),
])

/**
 * Reads the environment and `.env`, prints warnings, and hides all secrets from `output`.
 *
 * @throws SyncError `settings/invalid`
 */
export async function readSettings(output: Output, env: Env): Promise<Settings> {
  requireWorkingDirectory()
  const dotEnvText = await readDotEnv()
  for (const warning of [...listDotEnvWarnings(dotEnvText, env), ...listProxyWarnings(env)])
    output.note(warning)
  const settings = loadSettings(env, dotEnvText)
  output.hide(settings.secrets)
  return settings
}

/**
 * Returns the text of `.env`, or an empty string when the file does not exist.
 *
 * @throws SyncError `settings/invalid` when it cannot be read
 */
export async function readDotEnv(): Promise<string> {
  try {
    return decodeDotEnv(await readFile('.env'))
  } catch (error) {
    if (findErrno(error) === 'ENOENT') return ''
    throw new SyncError(
      'settings/invalid',
      `.env in the working directory cannot be read: ${messageOf(error)}`,
      { cause: error },
    )
  }
}

/** Relative paths need a working directory. @throws SyncError `settings/invalid` */
function requireWorkingDirectory(): void {
  try {
    process.cwd()
  } catch (cause) {
    throw new SyncError(
      'settings/invalid',
      'The working directory does not exist any more: change to another directory',
      { cause },
    )
  }
}

/** A variable of the environment overrides `.env`, so its line in `.env` does not matter. */
function listDotEnvWarnings(text: string, env: Env): string[] {
  const inUse = (name: string): boolean => !env[name]
  return [
    ...findCutValues(text)
      .filter(inUse)
      .map(
        (name) =>
          `.env: the value of ${name} ends before its "#", where a comment begins; put the whole value in quotes`,
      ),
    ...findEarlyQuotes(text)
      .filter(inUse)
      .map(
        (name) =>
          `.env: the value of ${name} ends at its second quotation mark, and the rest of the line is ignored; use another kind of quotation mark around it`,
      ),
    ...findRepeated(text)
      .filter(inUse)
      .map((name) => `.env: ${name} is set more than once; the last line counts`),
  ]
}

/** A proxy resolves names itself, so the address guard could not check where a request goes. */
function listProxyWarnings(env: Env): string[] {
  const names = PROXIES.filter((name) => env[name])
  return names.length === 0
    ? []
    : [
        `${names.join(' and ')}: ignored; Shelfsync sends its requests directly and needs a network that allows that`,
      ]
}

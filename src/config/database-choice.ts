// Checks the choice of a database. Without DATABASE_URL it is the embedded one of SHELFSYNC_HOME,
// created on demand, so a misspelt or empty variable would silently open another catalogue.

import { parseEnv } from 'node:util'
import { isSlip } from './dot-env.ts'

/** Value of DATABASE_URL for the embedded database, regardless of other settings. */
export const EMBEDDED = 'embedded'

type Env = Readonly<Record<string, string | undefined>>

/** Returns the reasons why no database is chosen; empty when DATABASE_URL has a value. */
export function databaseProblems(env: Env, dotEnvText: string): string[] {
  const dotEnv = parseEnv(dotEnvText)
  const hasValue = ({ DATABASE_URL: value }: Env): boolean =>
    value !== undefined && value.trim() !== ''
  if (hasValue(env) || hasValue(dotEnv)) return []
  const otherwise = `for the database in SHELFSYNC_HOME remove it, or set DATABASE_URL=${EMBEDDED}`
  const describe = (name: string, place: string): string[] => {
    if (name === 'DATABASE_URL') return [`DATABASE_URL: empty in ${place}; ${otherwise}`]
    return isSlip(name.toUpperCase(), 'DATABASE_URL')
      ? [`${name}: in ${place} this looks like DATABASE_URL misspelt; ${otherwise}`]
      : []
  }
  return [
    ...Object.keys(env).flatMap((name) => describe(name, 'the environment')),
    ...Object.keys(dotEnv).flatMap((name) => describe(name, '.env')),
  ]
}

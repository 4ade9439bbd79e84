// Which database is meant. Without DATABASE_URL it is the embedded one of SHELFSYNC_HOME, made when
// missing, so a name that was misspelt or left empty would open another catalogue, in silence.

import { parseEnv } from 'node:util'
import { isSlip } from './dot-env.ts'

/** What DATABASE_URL says to choose the embedded database by name, whatever else is set. */
export const EMBEDDED = 'embedded'

type Env = Readonly<Record<string, string | undefined>>

/** Why no database is chosen, a line for each reason. None when DATABASE_URL has a value. */
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

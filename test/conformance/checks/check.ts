// One check of the suite: a promise that every connector keeps, and its proof.

import type { Connector } from '../../../src/core/connector.ts'
import { listSecrets, type CredentialValues } from '../../../src/core/credentials.ts'
import type { Rig } from '../rig.ts'

export interface Check {
  /** The promise, as a sentence. */
  readonly name: string
  /** Throws an error that describes what the connector did instead. */
  prove(rig: Rig): Promise<void>
}

/** Returns `value`, which must exist. @throws Error when it is missing */
export function given<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new Error(`${what} is missing`)
  return value
}

/** Returns the middle element. */
export function middleOf<T>(list: readonly T[]): T {
  return given(list[list.length >> 1], 'middle of an empty list')
}

/** Minimum length of a secret: the redactor does not replace shorter values, which may be words. */
const SECRET_LENGTH_MIN = 4

/** Lists the secrets among these values, in every form in which the connector sends them. */
export function secretsOf(
  { credentials: schema }: Pick<Connector, 'credentials'>,
  values: CredentialValues,
): string[] {
  return listSecrets([schema], values).filter(({ length }) => length >= SECRET_LENGTH_MIN)
}

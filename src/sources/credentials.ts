// The credentials of a source: read from the values of the environment, and released only for an
// address that may receive them.

import {
  chooseVariables,
  parseCredentials,
  type CredentialSchema,
  type CredentialValues,
} from '../core/credentials.ts'
import { SyncError } from '../core/errors.ts'
import type { AddressGuard } from '../node/address-guard.ts'
import { checkPrivacy } from '../node/http-client.ts'
import type { BoundSource } from './bound-source.ts'

/** A source, or one that is about to be added. */
export type CredentialOwner = Pick<BoundSource, 'connector' | 'settings'> & {
  readonly source: { readonly name: string }
}

/**
 * Reads the credentials of a source; they may be incomplete, and `fetch` then fails.
 *
 * @throws SyncError `settings/invalid` when a variable is not valid · `source/address-refused` when
 * the address of the source may not receive them
 */
export type CredentialReader = (owner: CredentialOwner) => unknown

export function createCredentialReader(
  values: CredentialValues,
  guard: AddressGuard,
): CredentialReader {
  return (owner) => {
    const { name } = owner.source
    const { credentials: schema, usesCredentials } = owner.connector
    if (usesCredentials?.(owner.settings) === false) return schema.schema.parse({})
    const { credentials, problems } = parseCredentials(schema, values, name)
    if (problems.length > 0)
      throw new SyncError(
        'settings/invalid',
        [`The credentials of ${name} are not valid:`, ...problems].join('\n  '),
      )
    const isSent =
      !schema.isComplete(credentials) ||
      chooseVariables(schema, values, name).some((one) => one.secret && one.name !== null)
    if (isSent) checkAddress(owner, schema, credentials, guard)
    return credentials
  }
}

function checkAddress(
  { source, connector, settings }: CredentialOwner,
  schema: CredentialSchema<unknown>,
  credentials: unknown,
  guard: AddressGuard,
): void {
  const own = [connector.address(settings)]
  for (const text of connector.secretsAddresses?.(settings, credentials) ?? own) {
    const address = new URL(text)
    const fault = guard.isOwn(address) ? null : schema.findHostFault(address, credentials)
    if (fault !== null)
      throw new SyncError(
        'source/address-refused',
        `The key of ${source.name} is not sent to ${address.host}: ${fault}`,
      )
    checkPrivacy(address, guard)
  }
}

/** The state of a secret of a source: set or missing. It never contains the value. */
export interface SecretState {
  /** The variable in use, or the one to set. */
  readonly name: string
  readonly set: boolean
}

/** Lists the secrets that a source uses. `settings` is absent when they are not valid. */
export function listSecretStates(
  { source, connector, settings }: Omit<CredentialOwner, 'settings'> & Partial<CredentialOwner>,
  values: CredentialValues,
): SecretState[] {
  if (settings !== undefined && connector.usesCredentials?.(settings) === false) return []
  return chooseVariables(connector.credentials, values, source.name)
    .filter(({ secret, isRetired, name }) => secret && (!isRetired || name !== null))
    .map(({ name, names }) => ({ name: name ?? names.at(-1) ?? '', set: name !== null }))
}

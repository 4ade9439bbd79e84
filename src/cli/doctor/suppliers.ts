// The checks of `shelfsync doctor` for suppliers: whether they accept the credentials of their
// sources.

import { isOptional, parseCredentials } from '../../core/credentials.ts'
import type { Connector, ProbeRequest } from '../../core/connector.ts'
import { SyncError } from '../../core/errors.ts'
import { isSourceVariable } from '../../core/credentials.ts'
import type { Source } from '../../db/sources.ts'
import { toHost } from '../../lib/read-body.ts'
import { bindConnector } from '../../sources/bound-source.ts'
import { listSecretStates, type CredentialOwner } from '../../sources/credentials.ts'
import { type Check, toFailedCheck } from './check.ts'
import { formatQuantity } from '../../lib/words.ts'
import type { Basics } from '../../app/compose.ts'
import type { ClientOf } from './open-requests.ts'
import { readAddOptions } from '../add/source-settings.ts'

/** Maximum number of concurrent requests to suppliers. */
const PROBES_MAX = 4
const NAMES_SHOWN = 3

interface Tools extends Pick<Basics, 'settings' | 'credentials' | 'connectors'> {
  readonly clientOf: ClientOf
}

/** Returns one check for each connector with secrets. Paused sources are not checked. */
export async function checkSuppliers(
  tools: Tools,
  sources: readonly Source[],
  signal: AbortSignal,
): Promise<Check[]> {
  const checks: Check[] = []
  for (const connector of tools.connectors.values()) {
    if (!Object.values(connector.credentials.variables).some(({ secret }) => secret)) continue
    const name = `${connector.name} key`
    const active = sources.filter(
      (source) => source.connector === connector.name && source.state === 'active',
    )
    try {
      checks.push({ name, ...(await checkSupplier(tools, connector, active, signal)) })
    } catch (error) {
      checks.push(toFailedCheck(name, error))
    }
  }
  return checks
}

async function checkSupplier(
  tools: Tools,
  connector: Connector,
  sources: readonly Source[],
  signal: AbortSignal,
): Promise<Omit<Check, 'name'>> {
  const owners = sources
    .map((source) => bindConnector(connector, source))
    .filter(({ settings }) => connector.usesCredentials?.(settings) ?? true)
    .filter((owner) => needsCheck(tools, owner))
  const probes = new Map<string, ProbeRequest>()
  const incomplete: CredentialOwner[] = []
  for (const owner of sources.length > 0 ? owners : listDefaultOwners(tools, connector)) {
    const credentials = tools.credentials(owner)
    if (!connector.credentials.isComplete(credentials)) incomplete.push(owner)
    else
      probes.set(JSON.stringify([connector.address(owner.settings), credentials]), {
        settings: owner.settings,
        credentials,
        http: tools.clientOf({ connector, settings: owner.settings, credentials }),
      })
  }
  if (incomplete.length > 0) return describeIncomplete(connector, incomplete)
  if (probes.size === 0) return { state: 'ok', message: 'none, and no active source needs one' }
  await probeAll(connector, [...probes.values()], signal)
  const hosts = [
    ...new Set(
      [...probes.values()].map(
        ({ settings, credentials }) =>
          connector.secretsAddresses?.(settings, credentials)[0] ?? connector.address(settings),
      ),
    ),
  ]
  return { state: 'ok', message: `accepted by ${formatNames(hosts.map(toHost))}` }
}

/** A source that works without secrets and has none has nothing to check. */
function needsCheck({ settings }: Tools, owner: CredentialOwner): boolean {
  return (
    !isOptional(owner.connector) ||
    listSecretStates(owner, settings.credentials).some(({ set }) => set)
  )
}

/** Without a source, the shared credentials are checked at the default address, if there is one. */
function listDefaultOwners(tools: Tools, connector: Connector): CredentialOwner[] {
  const { credentials } = parseCredentials(connector.credentials, tools.settings.credentials, null)
  const { data } = connector.settings.safeParse(readAddOptions(tools, connector, {}))
  const isUsable = credentials !== null && connector.credentials.isComplete(credentials)
  return isUsable && data !== undefined
    ? [{ connector, settings: data, source: { name: connector.name } }]
    : []
}

function describeIncomplete(
  { credentials }: Connector,
  owners: readonly CredentialOwner[],
): Omit<Check, 'name'> {
  const names = owners.map(({ source }) => source.name)
  return {
    state: 'fail',
    message: `none, but ${formatNames(names)} ${names.length === 1 ? 'needs' : 'need'} one`,
    hint: `${credentials.hint.charAt(0).toUpperCase()}${credentials.hint.slice(1)}.`,
  }
}

/** @throws SyncError the error of the first failed probe, with the number of other failed ones */
async function probeAll(
  connector: Connector,
  probes: readonly ProbeRequest[],
  signal: AbortSignal,
): Promise<void> {
  const waiting = [...probes]
  const failures: SyncError[] = []
  const probeNext = async (): Promise<void> => {
    for (let probe = waiting.shift(); probe !== undefined; probe = waiting.shift()) {
      try {
        await connector.probe?.(probe, signal)
      } catch (error) {
        if (!(error instanceof SyncError)) throw error
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: PROBES_MAX }, probeNext))
  const [first, ...others] = failures
  if (first === undefined) return
  const more = others.length === 0 ? '' : ` (and ${formatQuantity(others.length, 'other source')})`
  throw new SyncError(first.code, first.message + more, { cause: first })
}

/** Finds variables such as SECRET_MY_SHOP_TOKEN that do not belong to a source. */
export function checkSourceSecrets(
  { settings, connectors }: Pick<Basics, 'settings' | 'connectors'>,
  sources: readonly Source[],
): Check | null {
  const given = Object.keys(settings.credentials).filter(isSourceVariable)
  if (given.length === 0) return null
  const used = sources.flatMap((source) => {
    const connector = connectors.get(source.connector)
    return connector === undefined
      ? []
      : listSecretStates(
          { source, connector, settings: connector.settings.safeParse(source.settings).data },
          settings.credentials,
        ).map(({ name }) => name)
  })
  const unused = given.filter((name) => !used.includes(name))
  const name = 'source secrets'
  if (unused.length === 0)
    return { name, state: 'ok', message: `${formatQuantity(given.length, 'variable')} in use` }
  return {
    name,
    state: 'warn',
    message: `no source uses ${formatNames(unused)}`,
    hint: 'List the variables of a source with `shelfsync sources show NAME`.',
  }
}

/** Returns the first names and the number of the others. */
function formatNames(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_SHOWN).join(', ')
  return names.length > NAMES_SHOWN ? `${shown} and ${names.length - NAMES_SHOWN} more` : shown
}

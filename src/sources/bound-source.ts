// A source with its connector and its settings, parsed by that connector.

import { checkValue, formatProblems } from '../core/check-value.ts'
import type { Connector, Scope } from '../core/connector.ts'
import { SyncError } from '../core/errors.ts'
import { SourceOptions } from '../core/source-options.ts'
import type { Source } from '../db/sources.ts'
import { toNormaliserVersion } from '../normalise/normaliser-version.ts'

export interface BoundSource {
  readonly source: Source
  readonly connector: Connector
  /** The source's settings, parsed by the connector's schema. */
  readonly settings: unknown
  readonly sourceOptions: SourceOptions
  /** The version of the connector, of the pack and of the other options, as one number. */
  readonly normaliserVersion: number
}

interface Connectors {
  readonly connectors: ReadonlyMap<string, Connector>
}

/**
 * @throws SyncError `source/no-connector` when this version does not have the source's connector ·
 * `settings/invalid` when the stored settings or options do not match
 * their schema
 */
export function bindSource(tools: Connectors, source: Source): BoundSource {
  return bindConnector(loadConnector(tools, source), source)
}

/** @throws SyncError `settings/invalid` when the stored settings or options do not match their schema */
export function bindConnector(connector: Connector, source: Source): BoundSource {
  const { data: settings, problems } = checkValue(connector.settings, source.settings)
  if (problems !== null)
    throw new SyncError(
      'settings/invalid',
      `The settings of ${source.name} in catalog.sources are not valid: ${formatProblems(problems)}`,
    )
  const { data: sourceOptions, problems: faults } = checkValue(SourceOptions, source.options)
  if (faults !== null)
    throw new SyncError(
      'settings/invalid',
      `The options of ${source.name} in catalog.sources are not valid: ${formatProblems(faults)}`,
    )
  const normaliserVersion = toNormaliserVersion(connector.normaliserVersion, sourceOptions)
  return { source, connector, settings, sourceOptions, normaliserVersion }
}

/** @throws SyncError `source/no-connector` when this version does not have the source's connector */
export function loadConnector({ connectors }: Connectors, { name, connector }: Source): Connector {
  const found = connectors.get(connector)
  if (!found)
    throw new SyncError(
      'source/no-connector',
      `The source ${name} uses the connector ${connector}, which this version of Shelfsync does not have`,
    )
  return found
}

/** Returns the scopes that a source with these settings can fetch. */
export function listScopes({
  connector,
  settings,
}: Pick<BoundSource, 'connector' | 'settings'>): readonly Scope['kind'][] {
  return connector.scopesOf?.(settings) ?? connector.scopes
}

/** Returns the address that a source reads, or null when this version cannot read its settings. */
export function findAddress({ connectors }: Connectors, source: Source): string | null {
  const connector = connectors.get(source.connector)
  const settings = connector?.settings.safeParse(source.settings)
  return connector && settings?.success ? connector.address(settings.data) : null
}

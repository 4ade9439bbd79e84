// The source that an import reads, and the products that a person names for it. A marketplace is
// the setting `marketplace` of a connector; other sources are chosen by their name.

import type { Connector } from '../core/connector.ts'
import type { CredentialValues } from '../core/credentials.ts'
import { SyncError } from '../core/errors.ts'
import { readTypedKey } from '../core/typed-key.ts'
import type { Catalog } from '../db/catalog.ts'
import { listSources, loadSource, type Source } from '../db/sources.ts'
import type { BoundSource } from './bound-source.ts'

const SETTING = 'marketplace'

export interface ImportChoice {
  /** The name of the source. Null: the one of the marketplace. */
  readonly source: string | null
  /** Null: the default one of the environment, or that of the only source with a marketplace. */
  readonly marketplace: string | null
}

export interface ImportTools {
  readonly db: Catalog
  readonly connectors: ReadonlyMap<string, Connector>
  /** Values of the environment, which may state a default marketplace. */
  readonly values: CredentialValues
}

/**
 * Returns the source of an import. It adds none: what a source stores, and for how long, is for the
 * operator to decide.
 *
 * @throws SyncError `source/unknown`, with the command that adds the source · `usage/invalid` when several
 * sources could be meant, or the source reads another marketplace
 */
export async function chooseImportSource(
  tools: ImportTools,
  { source: name, marketplace }: ImportChoice,
): Promise<Source> {
  if (name !== null) {
    const source = await loadSource(tools.db, name)
    const own = findMarketplace(tools, source)
    if (marketplace === null || own === marketplace) return source
    throw new SyncError(
      'usage/invalid',
      `The source ${name} reads ${own ?? 'no marketplace'}, not ${marketplace}. Name one of them only`,
    )
  }
  const sources = (await listSources(tools.db)).flatMap((source) => {
    const own = findMarketplace(tools, source)
    return own === null ? [] : [{ source, own }]
  })
  const wanted = marketplace ?? findDefault(tools)
  const found = sources.filter(({ own }) => wanted === null || own === wanted)
  const [first, ...others] = found
  if (first === undefined) throw createUnknownError(tools, wanted)
  if (others.length === 0) return first.source
  const names = found.map(({ source, own }) => `${source.name} (${own})`).join(', ')
  throw new SyncError(
    'usage/invalid',
    `Several sources could be meant: ${names}. Name the marketplace, or the source`,
  )
}

export interface NamedProducts {
  /** Each once, in the order of the texts. */
  readonly keys: readonly string[]
  readonly refused: readonly RefusedText[]
}

/** A text that names no product of the source. */
export interface RefusedText {
  /** The position in the list, from 0. */
  readonly index: number
  readonly text: string
  readonly problem: string
}

/** Converts typed texts to keys of products of the source. Sends no request. */
export function readTypedKeys(
  { connector, settings }: Pick<BoundSource, 'connector' | 'settings'>,
  texts: readonly string[],
): NamedProducts {
  const keys = new Set<string>()
  const refused: RefusedText[] = []
  for (const [index, text] of texts.entries()) {
    const { key, problem } = readTypedKey(connector, text, settings)
    if (key === null) refused.push({ index, text, problem })
    else keys.add(key)
  }
  return { keys: [...keys], refused }
}

/** The marketplace of parsed settings, or null without one. */
export function marketplaceOf(settings: unknown): string | null {
  const value = (Object(settings) as Record<string, unknown>)[SETTING]
  return typeof value === 'string' ? value : null
}

/** The marketplace that a source reads; null also when its settings cannot be read. */
function findMarketplace({ connectors }: ImportTools, source: Source): string | null {
  return marketplaceOf(connectors.get(source.connector)?.settings.safeParse(source.settings).data)
}

/** The first marketplace that the environment states for sources without one. */
function findDefault({ connectors, values }: ImportTools): string | null {
  for (const { options, credentials } of connectors.values()) {
    const member = options.find(({ setting }) => setting === SETTING)?.variable
    const name = member === undefined ? undefined : credentials.variables[member]?.name
    const value = name == null ? undefined : values[name]
    if (value !== undefined) return value
  }
  return null
}

function createUnknownError({ connectors }: ImportTools, marketplace: string | null): SyncError {
  const connector = [...connectors.values()].find(({ options }) =>
    options.some(({ setting }) => setting === SETTING),
  )
  if (marketplace === null)
    return new SyncError(
      'source/unknown',
      `No source reads a marketplace, so nothing was imported. Add it: shelfsync add ${connector?.name}`,
    )
  const { error } = connector?.settings.safeParse({ [SETTING]: marketplace }) ?? {}
  const issue = error?.issues.find(({ path }) => path[0] === SETTING)
  if (issue !== undefined)
    return new SyncError('usage/invalid', `The marketplace ${marketplace} ${issue.message}`)
  return new SyncError(
    'source/unknown',
    `No source reads ${marketplace}, so nothing was imported. Add it: shelfsync add ${connector?.name} --marketplace ${marketplace}`,
  )
}

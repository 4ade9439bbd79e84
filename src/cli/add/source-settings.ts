// Settings of a source on the command line: the options of its connector, and `--set name=value`.

import { checkValue, formatProblem, type Problem } from '../../core/check-value.ts'
import { chooseVariables } from '../../core/credentials.ts'
import type { AddOption, Connector } from '../../core/connector.ts'
import { SyncError } from '../../core/errors.ts'
import { parseJsonOrText, type Json } from '../../core/json.ts'
import type { Basics } from '../../app/compose.ts'

/**
 * Returns the settings as the connector parses them.
 *
 * @throws SyncError `usage/invalid`, one line per setting · `source/address-refused` when the
 * secrets of the source may not be sent to its address
 */
export function parseSourceSettings(
  tools: Pick<Basics, 'credentials'>,
  connector: Connector,
  source: { readonly name: string | null; readonly verb: 'added' | 'set' },
  given: Readonly<Record<string, unknown>>,
): unknown {
  const { data, problems } = checkValue(connector.settings, given)
  if (problems !== null)
    throw new SyncError(
      'usage/invalid',
      `${connector.name} cannot be ${source.verb} with these settings:\n  ${problems.map((problem) => describeProblem(problem, given)).join('\n  ')}`,
    )
  tools.credentials({
    connector,
    settings: data,
    source: { name: source.name ?? suggestName(connector, data) },
  })
  return data
}

function describeProblem(problem: Problem, given: Readonly<Record<string, unknown>>): string {
  const [name] = problem.path
  return name === undefined || String(name) in given
    ? formatProblem(problem)
    : `${String(name)}: missing; give it as --set ${String(name)}=…`
}

/** Parses `name=value`. A value that is JSON is parsed, any other is text. */
export function readSetting(
  text: string,
  before: Readonly<Record<string, Json>>,
): Record<string, Json> {
  const at = text.indexOf('=')
  if (at < 1) throw new SyncError('usage/invalid', `--set ${text}: it must be name=value`)
  return { ...before, [text.slice(0, at)]: parseJsonOrText(text.slice(at + 1)) }
}

/** Returns `--api-url` for the setting `apiUrl`. */
export function toFlag({ setting }: Pick<AddOption, 'setting'>): string {
  return `--${setting.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** Lists the options of all connectors: each flag once, with the connectors that have it. */
export function listAddOptions(
  connectors: Iterable<Connector>,
): { readonly flags: string; readonly description: string }[] {
  const options = [...connectors].flatMap(({ name, options: own }) =>
    own.map((option) => ({ ...option, connector: name })),
  )
  return [...Map.groupBy(options, toFlag)].map(([flag, same]) => ({
    flags: `${flag} <${same[0]?.value}>`,
    description: same
      .map(({ connector, description }) => `${connector}: ${description}`)
      .join('; '),
  }))
}

/**
 * Returns the settings from the options, or from the environment where an option is absent.
 *
 * @throws SyncError `usage/invalid` for an option of another connector
 */
export function readAddOptions(
  { settings: { credentials }, connectors }: Pick<Basics, 'settings' | 'connectors'>,
  connector: Connector | null,
  flags: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const own = connector?.options ?? []
  for (const { name, options } of connectors.values()) {
    const foreign = options.find(
      ({ setting }) =>
        flags[setting] !== undefined && !own.some((option) => option.setting === setting),
    )
    if (foreign !== undefined)
      throw new SyncError(
        'usage/invalid',
        `${toFlag(foreign)} is an option of ${name}; give other settings as --set name=value`,
      )
  }
  const shared = connector === null ? [] : chooseVariables(connector.credentials, credentials, null)
  const entries = own.map(({ setting, variable }) => {
    const name = shared.find(({ member }) => member === variable)?.name ?? null
    return [setting, flags[setting] ?? (name === null ? undefined : credentials[name])] as const
  })
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}

/**
 * Returns the default name of a source: the connector, and `supplier-au` for a market, because each
 * market has a separate source.
 */
export function suggestName({ name }: Connector, settings: unknown): string {
  const { market } = Object(settings) as { readonly market?: unknown }
  return typeof market === 'string' ? `${name}-${market}` : name
}

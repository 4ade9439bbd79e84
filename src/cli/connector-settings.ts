// Settings of a connector as they are given on the command line: `--set name=value`.

import type { z } from 'zod'
import { medipimSettings } from '../connectors/medipim/market.ts'
import type { Connector } from '../core/connector.ts'
import { SyncError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import type { Basics } from '../app/compose.ts'

/**
 * What the connector makes of them.
 *
 * @throws SyncError `usage/invalid`, one line a setting · `source/address-refused` when a sync
 * would not send its key there
 */
export function checkSettings(
  tools: Pick<Basics, 'checkKeyAddress'>,
  connector: Connector,
  done: 'added' | 'set',
  given: Readonly<Record<string, unknown>>,
): unknown {
  const { data, error } = connector.settings.safeParse(given)
  if (error)
    throw new SyncError(
      'usage/invalid',
      `${connector.name} cannot be ${done} like this:\n  ${problemsOf(error, given).join('\n  ')}`,
    )
  if (connector.name === 'medipim')
    tools.checkKeyAddress(new URL(medipimSettings.parse(data).apiUrl))
  return data
}

function problemsOf({ issues }: z.ZodError, given: Readonly<Record<string, unknown>>): string[] {
  return issues.map(({ path: [name], message }) => {
    if (name === undefined) return message
    return String(name) in given
      ? `${String(name)}: ${message}`
      : `${String(name)}: missing; give it as --set ${String(name)}=…`
  })
}

/** `name=value`; a value that is JSON is that, anything else is text. */
export function readSetting(
  text: string,
  before: Readonly<Record<string, Json>>,
): Record<string, Json> {
  const at = text.indexOf('=')
  if (at < 1) throw new SyncError('usage/invalid', `--set ${text}: write name=value`)
  const value = text.slice(at + 1)
  let parsed: Json = value
  try {
    parsed = JSON.parse(value) as Json
  } catch {
    // Text, as it is.
  }
  return { ...before, [text.slice(0, at)]: parsed }
}

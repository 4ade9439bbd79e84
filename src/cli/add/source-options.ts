// Options of a source that belong to no connector, on the command line: `--set pack=coffee`.

import { checkValue, formatProblem } from '../../core/check-value.ts'
import { SyncError } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import { isSourceOption, SourceOptions } from '../../core/source-options.ts'

export interface SplitSettings {
  /** Settings of the connector. */
  readonly settings: Readonly<Record<string, Json>>
  /** In stored form: only what differs from the default is stored. */
  readonly options: Readonly<Record<string, Json>>
}

/**
 * Separates the settings of a connector from the options of the source.
 *
 * @throws SyncError `usage/invalid` for an option that is not valid
 */
export function splitSettings(given: Readonly<Record<string, Json>>): SplitSettings {
  const entries = Object.entries(given)
  const options = Object.fromEntries(entries.filter(([name]) => isSourceOption(name)))
  const settings = Object.fromEntries(entries.filter(([name]) => !isSourceOption(name)))
  const { problems } = checkValue(SourceOptions, options)
  if (problems !== null)
    throw new SyncError(
      'usage/invalid',
      `The source cannot have these options:\n  ${problems.map(formatProblem).join('\n  ')}`,
    )
  return { settings, options }
}

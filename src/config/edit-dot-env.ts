// Changes values in the text of a `.env` file and keeps every other line.

import { parseEnv } from 'node:util'
import { SyncError } from '../core/errors.ts'

/**
 * Returns the text with these values. A line that sets a name is replaced, and its comment is lost;
 * names that are not set yet come at the end.
 *
 * @throws SyncError `settings/invalid` when `.env` cannot hold the value
 */
export function setInDotEnv(text: string, values: Readonly<Record<string, string>>): string {
  let edited = text === '' || text.endsWith('\n') ? text : `${text}\n`
  for (const [name, value] of Object.entries(values)) {
    const line = `${name}=${quote(value)}`
    const present = new RegExp(`^${name}=(?:(["'\`])[^]*?\\1[^\\n]*|[^\\n]*)$`, 'gm')
    const isSet = present.test(edited)
    edited = isSet ? edited.replaceAll(present, () => line) : `${edited}${line}\n`
    if (parseEnv(edited)[name] !== value)
      throw new SyncError(
        'settings/invalid',
        `${name} cannot be written to .env: it contains line breaks or every kind of quotation mark. Set it in the environment`,
      )
  }
  return edited
}

/** Quotes a value that has characters with a meaning in `.env`. */
function quote(value: string): string {
  if (/^[\w./:@%+=,~?&!*()-]+$/.test(value)) return value
  const mark = ["'", '"', '`'].find((one) => !value.includes(one)) ?? "'"
  return `${mark}${value}${mark}`
}

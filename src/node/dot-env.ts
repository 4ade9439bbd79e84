// What may be wrong with the text of a `.env` besides the values in it.

import { parseEnv } from 'node:util'
import { SETTING_NAMES } from './settings-schema.ts'

/** The text of a `.env` as any editor saves it, without a byte order mark, which would be a part of the first name. @throws Error when it is UTF-16 */
export function decodeDotEnv(bytes: Uint8Array): string {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) throw new Error('it is UTF-16; save it as UTF-8')
  return new TextDecoder().decode(bytes)
}

/** The settings in `.env` whose value ends before a "#" in its middle: without quotes, a comment begins there. A blank before it means one. */
export function findCutValues(dotEnvText: string): string[] {
  const names = unquoted(dotEnvText).split('\n').map((line) => /^\s*(?:export\s+)?(\w+)\s*=(?:#\S|[^\S\n]*[^\s"'`#][^#]*(?<!\s)#)/.exec(line)?.[1])
  return SETTING_NAMES.filter((name) => names.includes(name))
}

/** The numbers of the lines that say nothing, which `parseEnv` skips in silence. A value in quotes may go on over several lines. */
export function listStrayLines(dotEnvText: string): number[] {
  const lines = unquoted(dotEnvText).split('\n')
  return lines.flatMap((line, index) => (/^\s*(#|$)|^[^=]+=/.test(line) ? [] : [index + 1]))
}

/** Without what stands in quotes, line by line. */
function unquoted(dotEnvText: string): string {
  return dotEnvText.replaceAll(/^([^#=\n]+=)[^\S\n]*(["'`])[^]*?\2/gm, (value, name: string) => name + value.replaceAll(/[^\n]/g, ''))
}

/**
 * Names in `.env` that are one slip away from a setting that is not there, each with that setting. They may well be another program's, so
 * nothing is refused for them.
 */
export function findMisspelt(dotEnvText: string): { readonly name: string; readonly meant: string }[] {
  const given = Object.keys(parseEnv(dotEnvText))
  return given.flatMap((name) => {
    const meant = SETTING_NAMES.find((setting) => !given.includes(setting) && isSlip(name.toUpperCase(), setting))
    return meant === undefined ? [] : [{ name, meant }]
  })
}

/** One letter more, less or other, or two that changed places; or the same word. */
export function isSlip(a: string, b: string): boolean {
  let [start, end] = [0, 0]
  while (start < a.length && a[start] === b[start]) start++
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end++
  const [inA, inB] = [a.slice(start, a.length - end), b.slice(start, b.length - end)]
  return (inA.length < 2 && inB.length < 2) || (inA.length === 2 && inA === inB.split('').toReversed().join(''))
}

// What may be wrong with the text of a `.env` besides the values in it.

import { isUtf8 } from 'node:buffer'
import { parseEnv } from 'node:util'
import { SETTING_NAMES } from './settings-schema.ts'

/**
 * The text of a `.env` as any editor saves it. What stands before a name and around its "=" is
 * taken out, because `parseEnv` takes a byte order mark, a tab or a second blank behind `export`
 * for a part of the name, and a return alone for no end of a line.
 *
 * @throws Error when it is not UTF-8
 */
export function decodeDotEnv(bytes: Uint8Array): string {
  const mark = bytes.subarray(0, 2).toString()
  if (mark === '255,254' || mark === '254,255' || bytes.includes(0))
    throw new Error('it is UTF-16, or no text; save it as UTF-8')
  if (!isUtf8(bytes)) throw new Error('it is not UTF-8; save it as UTF-8')
  return new TextDecoder()
    .decode(bytes)
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(
      /^(?:[^\S\n]|\p{Cf})*(?:export[^\S\n]+)?([^\s=#\p{Cf}]+)[^\S\n]*=(?:[^\S\n]*(?=["'`]))?/gmu,
      '$1=',
    )
}

/**
 * The settings in `.env` whose value ends before a "#" in its middle: without quotes, a comment
 * begins there. A blank before it means one.
 */
export function findCutValues(dotEnvText: string): string[] {
  const names = unquoted(dotEnvText)
    .split('\n')
    .map((line) => /^(\w+)=(?:#\S|[^\S\n]*[^\s"'`#][^#]*(?<!\s)#)/.exec(line)?.[1])
  return SETTING_NAMES.filter((name) => names.includes(name))
}

/**
 * The settings in `.env` with text behind the closing quotation mark, which `parseEnv` ignores: a
 * quotation mark within the value, or a missing one.
 */
export function findEarlyQuotes(dotEnvText: string): string[] {
  const values = dotEnvText.matchAll(/^([^#=\n]+)=(["'`])[^]*?\2([^\n]*)$/gm)
  const names = [...values]
    .filter(([, , , rest = '']) => /^\s*[^#\s]/.test(rest))
    .map(([, name]) => name)
  return SETTING_NAMES.filter((name) => names.includes(name))
}

/** The settings that `.env` gives more than one value; the last one counts. */
export function findRepeated(dotEnvText: string): string[] {
  const names = unquoted(dotEnvText)
    .split('\n')
    .map((line) => /^([^#=]+)=/.exec(line)?.[1])
  return SETTING_NAMES.filter((name) => names.indexOf(name) !== names.lastIndexOf(name))
}

/**
 * The numbers of the lines that say nothing, which `parseEnv` skips in silence. A value in quotes
 * may go on over several lines.
 */
export function listStrayLines(dotEnvText: string): number[] {
  const lines = unquoted(dotEnvText).split('\n')
  return lines.flatMap((line, index) =>
    /^\s*(#|$|(export\s+)?[^\s=$]+\s*=)/.test(line) ? [] : [index + 1],
  )
}

/** Without what stands in quotes, line by line. */
function unquoted(dotEnvText: string): string {
  return dotEnvText.replaceAll(
    /^([^#=\n]+=)[^\S\n]*(["'`])[^]*?\2/gm,
    (value, name: string) => name + value.replaceAll(/[^\n]/g, ''),
  )
}

/**
 * Names in `.env` that are one slip away from a setting that is not there, each with that setting.
 * They may well be another program's, so nothing is refused for them.
 */
export function findMisspelt(
  dotEnvText: string,
): { readonly name: string; readonly meant: string }[] {
  const given = Object.keys(parseEnv(dotEnvText))
  return given.flatMap((name) => {
    const meant = SETTING_NAMES.find(
      (setting) => !given.includes(setting) && isSlip(name.toUpperCase(), setting),
    )
    return meant === undefined ? [] : [{ name, meant }]
  })
}

/** One letter more, less or other, or two that changed places; or the same word. */
export function isSlip(a: string, b: string): boolean {
  let [start, end] = [0, 0]
  while (start < a.length && a[start] === b[start]) start++
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end++
  const [inA, inB] = [a.slice(start, a.length - end), b.slice(start, b.length - end)]
  return (
    (inA.length < 2 && inB.length < 2) ||
    (inA.length === 2 && inA === inB.split('').toReversed().join(''))
  )
}

// Errors in the text of a `.env`, other than invalid values.

import { isUtf8 } from 'node:buffer'
import { parseEnv } from 'node:util'
import { SETTING_NAMES } from './settings-schema.ts'

/**
 * Decodes a `.env` file that any editor wrote. Removes the characters before a name and around its
 * "=", because `parseEnv` reads a byte order mark, a tab or a second blank after `export` as part
 * of the name, and does not end a line at a single carriage return.
 *
 * @throws Error when it is not UTF-8
 */
export function decodeDotEnv(bytes: Uint8Array): string {
  const mark = bytes.subarray(0, 2).toString()
  if (mark === '255,254' || mark === '254,255' || bytes.includes(0))
    throw new Error('it is UTF-16 or binary; save it as UTF-8')
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
 * Returns the settings in `.env` whose value ends at a "#" inside it, because a comment begins
 * there without quotes. A blank before it means a deliberate comment.
 */
export function findCutValues(dotEnvText: string): string[] {
  const names = unquoted(dotEnvText)
    .split('\n')
    .map((line) => /^(\w+)=(?:#\S|[^\S\n]*[^\s"'`#][^#]*(?<!\s)#)/.exec(line)?.[1])
  return SETTING_NAMES.filter((name) => names.includes(name))
}

/**
 * Returns the settings in `.env` with text after the closing quotation mark, which `parseEnv`
 * ignores: a quotation mark inside the value, or a missing one.
 */
export function findEarlyQuotes(dotEnvText: string): string[] {
  const values = dotEnvText.matchAll(/^([^#=\n]+)=(["'`])[^]*?\2([^\n]*)$/gm)
  const names = [...values]
    .filter(([, , , rest = '']) => /^\s*[^#\s]/.test(rest))
    .map(([, name]) => name)
  return SETTING_NAMES.filter((name) => names.includes(name))
}

/** Returns the settings with more than one value in `.env`; the last one counts. */
export function findRepeated(dotEnvText: string): string[] {
  const names = unquoted(dotEnvText)
    .split('\n')
    .map((line) => /^([^#=]+)=/.exec(line)?.[1])
  return SETTING_NAMES.filter((name) => names.indexOf(name) !== names.lastIndexOf(name))
}

/**
 * Returns the numbers of the lines without a setting, which `parseEnv` skips silently. A value in
 * quotes may have several lines.
 */
export function listStrayLines(dotEnvText: string): number[] {
  const lines = unquoted(dotEnvText).split('\n')
  return lines.flatMap((line, index) =>
    /^\s*(#|$|(export\s+)?[^\s=$]+\s*=)/.test(line) ? [] : [index + 1],
  )
}

/** Removes quoted text and keeps the lines. */
function unquoted(dotEnvText: string): string {
  return dotEnvText.replaceAll(
    /^([^#=\n]+=)[^\S\n]*(["'`])[^]*?\2/gm,
    (value, name: string) => name + value.replaceAll(/[^\n]/g, ''),
  )
}

/**
 * Returns the names in `.env` that are one typing error away from an absent setting, with that
 * setting. They may belong to another program, so they are not errors.
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

/**
 * Returns true for equal words, or if one letter is added, removed, replaced or swapped with the
 * next.
 */
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

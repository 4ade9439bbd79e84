// What may be wrong with the text of a `.env` besides the values in it.

import { parseEnv } from 'node:util'
import { SETTING_NAMES } from './settings-schema.ts'

/** The numbers of the lines that say nothing, which `parseEnv` skips in silence. A value in quotes may go on over several lines. */
export function listStrayLines(dotEnvText: string): number[] {
  const lines = dotEnvText.replaceAll(/^([^#=\n]+=)[^\S\n]*(["'`])[^]*?\2/gm, (value, name: string) => name + value.replaceAll(/[^\n]/g, '')).split('\n')
  return lines.flatMap((line, index) => (/^\s*(#|$)|^[^=]+=/.test(line) ? [] : [index + 1]))
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

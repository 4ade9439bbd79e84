// Parsers of numbers on the command line.

import { InvalidArgumentError, Option } from 'commander'

/** Parses the number of a run or review. */
export function parseId(text: string): number {
  if (!/^[1-9]\d{0,15}$/.test(text)) throw new InvalidArgumentError('It must be a number.')
  return Number(text)
}

/** Parses one of `[ids...]`; commander passes the values before it. */
export function parseIds(text: string, before: number[] | undefined): number[] {
  return [...(before ?? []), parseId(text)]
}

export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new InvalidArgumentError('It must be a whole number, 1 or more.')
  return Number(text)
}

export function parsePercent(text: string): number {
  const percent = Number(text.replace(/%$/, ''))
  if (!/^\d{1,9}(\.\d+)?%?$/.test(text))
    throw new InvalidArgumentError('It must be a number of percent, such as 60.')
  return percent
}

export function createLimitOption(defaultLimit: number): Option {
  return new Option('--limit <n>', 'maximum number of rows')
    .argParser(parseCount)
    .default(defaultLimit)
}

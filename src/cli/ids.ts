// Numbers on the command line.

import { InvalidArgumentError, Option } from 'commander'

/** A run or review as a person types it. */
export function parseId(text: string): number {
  if (!/^[1-9]\d{0,15}$/.test(text)) throw new InvalidArgumentError('Write its number.')
  return Number(text)
}

/** For `ID…`: commander hands over what came before. */
export function parseIds(text: string, before: number[] | undefined): number[] {
  return [...(before ?? []), parseId(text)]
}

export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Write a number from 1.')
  return Number(text)
}

export function createLimitOption(otherwise: number): Option {
  return new Option('--limit <n>', 'how many at most').argParser(parseCount).default(otherwise)
}

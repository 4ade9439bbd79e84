// Parses a word that is one of a list.

import { InvalidArgumentError } from 'commander'

export function parseChoice<Choice extends string>(
  text: string,
  choices: readonly Choice[],
): Choice {
  const choice = choices.find((one) => one === text)
  if (choice === undefined)
    throw new InvalidArgumentError(`It must be one of ${choices.join(', ')}.`)
  return choice
}

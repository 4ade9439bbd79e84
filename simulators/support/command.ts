// The interface of a simulator's main.ts to the command line.

/** A started simulator. */
export interface Running {
  readonly url: string
  /** Printed once it listens: its address, an example request and the settings for Shelfsync. */
  readonly greeting: string
  close(): Promise<void>
}

export interface SimulatorCommand<Options> {
  /** Printed for `--help`. */
  readonly usage: string
  /** @throws Error with a message for the user when an argument is unknown or out of range */
  parseArguments(argv: readonly string[]): Options
  start(options: Options): Promise<Running>
}

function parseWholeNumber(name: string, text: string, max: number): number {
  const number = Number(text)
  if (!/^\d+$/.test(text) || number > max)
    throw new Error(`--${name} must be a whole number up to ${max}, not "${text}"`)
  return number
}

/**
 * Reads the options in `maxima` that are given, each up to its maximum.
 *
 * @throws Error with a message for the user
 */
export function parseWholeNumbers<Name extends string>(
  values: Readonly<Partial<Record<NoInfer<Name>, string>>>,
  maxima: Readonly<Record<Name, number>>,
): Partial<Record<Name, number>> {
  const numbers: Partial<Record<Name, number>> = {}
  for (const name in maxima) {
    const text = values[name]
    if (text !== undefined) numbers[name] = parseWholeNumber(name, text, maxima[name])
  }
  return numbers
}

/** Reads the value of `--name`, one of `choices`. @throws Error as above */
export function parseChoice<Choice extends string>(
  name: string,
  text: string,
  choices: readonly Choice[],
): Choice {
  const choice = choices.find((one) => one === text)
  if (choice === undefined)
    throw new Error(`--${name} must be one of ${choices.join(', ')}, not "${text}"`)
  return choice
}

/** Reads the values of `--response`, each a key of `known`. @throws Error as above */
export function parseResponses<Known extends object>(
  texts: readonly string[],
  known: Known,
): (keyof Known & string)[] {
  const names = Object.keys(known) as (keyof Known & string)[]
  return texts.map((text) => parseChoice('response', text, names))
}

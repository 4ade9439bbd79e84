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

/** Reads the value of `--name`. @throws Error with a message for the user */
export function parseWholeNumber(name: string, text: string, max: number): number {
  const number = Number(text)
  if (!/^\d+$/.test(text) || number > max)
    throw new Error(`--${name} must be a whole number up to ${max}, not "${text}"`)
  return number
}

/** Reads the value of `--name`, one of the keys of `known`. @throws Error as above */
export function parseName<Known extends object>(
  name: string,
  text: string,
  known: Known,
): keyof Known {
  if (Object.hasOwn(known, text)) return text as keyof Known
  throw new Error(`--${name} must be one of ${Object.keys(known).join(', ')}, not "${text}"`)
}

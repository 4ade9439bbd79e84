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

// What a simulator's main.ts offers to the command line: read the arguments, then start.

/** A started simulator. */
export interface Running {
  readonly url: string
  /**
   * What to print once it listens: its address, an example to try, the settings that point
   * Shelfsync at it.
   */
  readonly greeting: string
  close(): Promise<void>
}

export interface SimulatorCommand<Options> {
  /** Printed for `--help`. */
  readonly usage: string
  /** @throws Error with a sentence for the user when an argument is unknown or out of range. */
  parseArguments(argv: readonly string[]): Options
  start(options: Options): Promise<Running>
}

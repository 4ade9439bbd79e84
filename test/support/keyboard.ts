// The keyboard of a terminal: `type` sends keys, as a person in front of it would.

import { PassThrough } from 'node:stream'

export class Keyboard extends PassThrough {
  readonly isTTY = true
  /** True while the terminal does not echo what is typed. */
  raw = false

  setRawMode(raw: boolean): this {
    this.raw = raw
    return this
  }

  type(keys: string): void {
    this.write(keys)
  }
}

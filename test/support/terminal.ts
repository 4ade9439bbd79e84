// A terminal that applies everything written to its screen, as far as the progress bars move the
// cursor, and reports changes.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Writable } from 'node:stream'

/** Far more than is needed to redraw both bars. */
const DRAWN_MAX = 100

export class Terminal extends Writable {
  readonly isTTY = true
  readonly columns: number
  /** The lines of the screen from its top, without trailing spaces. */
  lines: string[] = ['']
  cursorShown = true
  #row = 0
  #column = 0

  constructor(columns = 120) {
    super({ decodeStrings: false })
    this.columns = columns
  }

  /** The visible text. */
  get screen(): string {
    return this.lines.join('\n').trimEnd()
  }

  /**
   * Resolves when the screen matches. @throws AssertionError with the screen after too many redraws
   * without a match
   */
  async shows(pattern: RegExp): Promise<void> {
    for (let drawn = 0; drawn < DRAWN_MAX && !pattern.test(this.screen); drawn++)
      await once(this, 'drawn')
    assert.match(this.screen, pattern)
  }

  override _write(text: string, _: string, done: () => void): void {
    const [plain = '', ...escaped] = text.split('\x1b')
    this.#print(plain)
    for (const piece of escaped) {
      const [sequence, mode, amount, command = ''] =
        /^\[(\??)(\d*)([A-Za-z])/.exec(piece) ??
        assert.fail(`this terminal does not know ESC ${piece}`)
      if (mode === '') this.#move(command, Number(amount))
      else if (amount === '25') this.cursorShown = command === 'h'
      this.#print(piece.slice(sequence.length))
    }
    this.emit('drawn')
    done()
  }

  #print(text: string): void {
    for (const [n, words] of text.split('\n').entries()) {
      if (n > 0) {
        this.#row += 1
        this.#column = 0
        this.lines[this.#row] ??= ''
      }
      const line = this.#line().padEnd(this.#column)
      this.#replace(line.slice(0, this.#column) + words + line.slice(this.#column + words.length))
      this.#column += words.length
    }
  }

  /**
   * https://invisible-island.net/xterm/ctlseqs/ctlseqs.html#h3-Functions-using-CSI-_-ordered-by-the-final-character_s_
   */
  #move(command: string, amount: number): void {
    if (command === 'A') this.#row = Math.max(0, this.#row - (amount || 1))
    else if (command === 'B') this.#row += amount || 1
    else if (command === 'G') this.#column = Math.max(0, amount - 1)
    else if (command === 'K') this.#replace(amount === 2 ? '' : this.#line().slice(0, this.#column))
    else if (command === 'J') {
      this.#replace(this.#line().slice(0, this.#column))
      this.lines.length = this.#row + 1
    } else assert.fail(`this terminal does not know CSI ${amount} ${command}`)
  }

  #line(): string {
    return this.lines[this.#row] ?? ''
  }

  /** Text wider than the screen is cut, as with auto-wrap off. */
  #replace(line: string): void {
    this.lines[this.#row] = line.slice(0, this.columns).trimEnd()
  }
}

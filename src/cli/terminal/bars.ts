// The last lines of a terminal, redrawn in place. The cursor is hidden meanwhile; every end of the
// process removes the lines and shows the cursor again, except SIGKILL.

import type { Writable } from 'node:stream'
import { measureText } from './measure-text.ts'

/** ECMA-48 and DEC private modes: CUU moves up, ED clears to the end, DECTCEM shows the cursor. */
const HIDE_CURSOR = '\u001b[?25l'
const SHOW_CURSOR = '\u001b[?25h'
const FIRST_COLUMN = '\u001b[1G'
const CLEAR_DOWN = '\u001b[J'
/** Columns of a terminal that does not report its size. */
const DEFAULT_COLUMNS = 80

export class TerminalBars {
  readonly #stream: Writable & { readonly columns?: number }
  #lines: readonly string[] = []
  readonly #end = (): void => this.end()

  constructor(stream: Writable) {
    this.#stream = stream
    process.on('exit', this.#end)
  }

  draw(lines: readonly string[]): void {
    this.#stream.write(`${this.#clear()}${this.#show(lines)}`)
  }

  /** Prints lines above the bars; they wrap as any other text. */
  print(text: string): void {
    this.#stream.write(`${this.#clear()}${text}${this.#show(this.#lines)}`)
  }

  end(): void {
    process.off('exit', this.#end)
    this.#stream.write(`${this.#clear()}${SHOW_CURSOR}`)
    this.#lines = []
  }

  #show(lines: readonly string[]): string {
    this.#lines = lines
    // A line that fills the last column would wrap on some terminals.
    const width = (this.#stream.columns || DEFAULT_COLUMNS) - 1
    return `${HIDE_CURSOR}${lines.map((line) => cutEnd(line, width)).join('\n')}`
  }

  #clear(): string {
    const up = this.#lines.length - 1
    if (up < 0) return ''
    return `${FIRST_COLUMN}${up > 0 ? `\u001b[${up}A` : ''}${CLEAR_DOWN}`
  }
}

function cutEnd(line: string, columns: number): string {
  if (measureText(line) <= columns) return line
  const characters = Array.from(line)
  while (measureText(characters.join('')) > columns - 1) characters.pop()
  return `${characters.join('')}…`
}

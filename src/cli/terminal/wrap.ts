// Wraps text at words for a terminal, with hanging indentation. Commands and text in backticks stay
// whole, so that they can be copied.

import { measureText } from './measure-text.ts'

/** Deeper indentation leaves too little for the text. */
const TEXT_COLUMNS_MIN = 30
const INDENT = 2
/** Longer facts of a list wrap at words. */
const FACT_COLUMNS_MAX = 24

/** The columns of a line before its last one: `  reason      ` or `fail  database       `. */
const LABELS = /^.*?\S {2,}(?=\S)/

/** Wraps each line that is wider than `width` columns. */
export function wrapText(text: string, width: number): string {
  return text
    .split('\n')
    .map((line) => (measureText(line) <= width ? line : wrapLine(line, width)))
    .join('\n')
}

function wrapLine(line: string, width: number): string {
  const head = findHead(line, width)
  const indent = ' '.repeat(head.trim() === '' ? head.length + INDENT : measureText(head))
  const lines = [head]
  let isEmpty = true
  for (const piece of splitPieces(line.slice(head.length))) {
    const text = piece.trimStart()
    const longer = `${lines.at(-1)}${isEmpty ? text : piece}`
    const space = width - measureText(text)
    const isAlone = isEmpty && (head.trim() === '' || space < INDENT)
    if (isAlone || measureText(longer) <= width) lines[lines.length - 1] = longer
    else lines.push(indentFor(space, indent) + text)
    isEmpty = false
  }
  return lines.map((one) => one.trimEnd()).join('\n')
}

/** A piece that does not fit under its text moves to the left, so that it stays whole. */
function indentFor(space: number, indent: string): string {
  return space < INDENT ? indent : indent.slice(0, space)
}

/** The text before the place where continued lines begin. */
function findHead(line: string, width: number): string {
  let head = /^ */.exec(line)?.[0] ?? ''
  for (;;) {
    const next = LABELS.exec(line.slice(head.length))?.[0]
    const longer = `${head}${next ?? ''}`
    if (next === undefined || measureText(longer) > width - TEXT_COLUMNS_MIN) return head
    head = longer
  }
}

/** Splits a line into pieces, each with the spaces before it. Short facts of a list stay whole. */
function splitPieces(text: string): string[] {
  const facts = text.split(/(?<= ·)(?= )/)
  return facts.flatMap((fact) =>
    facts.length > 1 && measureText(fact) <= FACT_COLUMNS_MAX ? [fact] : splitWords(fact),
  )
}

/**
 * Returns the words, commands up to the next punctuation, and texts in backticks. A separator and a
 * percent sign stay with what is before them.
 */
export function splitWords(text: string): string[] {
  const pieces: string[] = []
  let open: RegExp | null = null
  for (const word of text.match(/ *\S+/g) ?? []) {
    const bare = word.trimStart()
    if (open !== null || /^[·%]/.test(bare)) pieces.push((pieces.pop() ?? '') + word)
    else pieces.push(word)
    if (bare === '·') open = null
    else if (open === null) open = findEnd(bare)
    else if (open.test(bare)) open = null
  }
  return pieces
}

/** Returns what the last word of a whole text ends with, or null if the word begins none. */
function findEnd(word: string): RegExp | null {
  if (word === '$') return /$^/
  if (/^[("]?`[^`]*$/.test(word)) return /`/
  return /^[("]?(?:npx|shelfsync)$/.test(word) ? /[;:,.)]$/ : null
}

// Parses JSON lines such as `{"input":"250g / Aeropress","field":"variant_title"}`. A line that
// cannot be read is reported with its number, and the lines around it are parsed.

import { describeJsonError } from '../lib/json-error.ts'
import { isObject } from '../lib/objects.ts'
import { cutText } from '../lib/text.ts'
import type { MoneyContext } from './money.ts'
import { PARSE_FIELDS, parseField } from './parse-field.ts'

/** Longer than any description that a shop shows; a longer line is reported, not kept in memory. */
const LINE_CHARS_MAX = 8 * 1024 * 1024
const QUOTED_CHARS_MAX = 60

const FIELD_NAMES = PARSE_FIELDS.join(', ')

interface Line {
  readonly number: number
  /** Null for a line that is too long. */
  readonly text: string | null
}

/** Yields one JSON line for each readable one, in order; `report` receives the others. */
export async function* parseLines(
  chunks: AsyncIterable<Uint8Array>,
  report: (message: string) => void,
): AsyncGenerator<string> {
  for await (const { number, text } of readLines(chunks)) {
    const parsed = text === null ? `is longer than ${LINE_CHARS_MAX} characters` : parseLine(text)
    if (typeof parsed === 'string') report(`Line ${number} ${parsed}`)
    else if (parsed !== null) yield `${JSON.stringify(parsed)}\n`
  }
}

/** Returns the parsed line, null for a blank one, or the reason why it cannot be read. */
function parseLine(text: string): Readonly<Record<string, unknown>> | string | null {
  if (text.trim() === '') return null
  let line: unknown
  try {
    line = JSON.parse(text)
  } catch (error) {
    return `is not JSON: ${describeJsonError(error)}`
  }
  if (!isObject(line)) return 'is not an object with "input" and "field"'
  const { input, field } = line
  if (typeof input !== 'string') return 'has no text in "input"'
  if (typeof field !== 'string') return 'has no text in "field"'
  const parsed = parseField(input, field, toContext(line))
  if (parsed === null)
    return `has the unknown field "${cutText(field, QUOTED_CHARS_MAX)}": use ${FIELD_NAMES}`
  return { input, field, ...parsed.values, provenance: parsed.provenance }
}

function toContext({
  currency,
  decimal_separator: separator,
}: Record<string, unknown>): MoneyContext {
  return {
    ...(typeof currency === 'string' && /^[A-Z]{3}$/.test(currency) && { currency }),
    ...((separator === '.' || separator === ',') && { decimalSeparator: separator }),
  }
}

/** Yields each line as soon as it has arrived. Only `\n` ends a line: U+2028 is data. */
async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  const decoder = new TextDecoder()
  let number = 0
  let rest = ''
  let isTooLong = false
  for await (const chunk of chunks) {
    const [first = '', ...others] = decoder.decode(chunk, { stream: true }).split('\n')
    const pieces = [rest + first, ...others]
    rest = pieces.pop() ?? ''
    for (const text of pieces) {
      yield { number: ++number, text: isTooLong || text.length > LINE_CHARS_MAX ? null : text }
      isTooLong = false
    }
    isTooLong ||= rest.length > LINE_CHARS_MAX
    if (isTooLong) rest = ''
  }
  rest += decoder.decode()
  if (rest !== '' || isTooLong) yield { number: ++number, text: isTooLong ? null : rest }
}

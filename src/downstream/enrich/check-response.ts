// Decides which statements of a language model are proposed. A statement needs words that occur in
// the text of the product and a value that the rules can read. The confidence comes from the
// text, because a model is confident of every statement.

import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { Json } from '../../core/json.ts'
import { foldText } from '../../normalise/fold.ts'
import type { Question } from '../../normalise/question.ts'
import { buildPrompt, INSTRUCTIONS } from './prompt.ts'

/** One fact as the model returns it: `words` are those of the product's text. */
export const Statement = z.object({ field: z.string(), words: z.string(), value: z.string() })
export type Statement = Readonly<z.infer<typeof Statement>>

export interface Proposal {
  readonly field: string
  readonly value: Json
  /** The words of the text that state the value. */
  readonly quotation: string
  /** See `CONFIDENCE`. */
  readonly confidence: number
}

/**
 * Confidence by the support of the text: the rules read the value from the quoted words; the quoted
 * words contain it; or only the model connects the two.
 */
const CONFIDENCE = { read: 0.9, contained: 0.8, concluded: 0.5 } as const

/** Shorter ones occur in every text. */
const QUOTATION_CHARS_MIN = 3
const QUOTATION_CHARS_MAX = 300
const VALUE_CHARS_MAX = 100

export type Refusal =
  | 'not-asked'
  | 'stated-twice'
  | 'not-in-the-text'
  | 'in-the-prompt'
  | 'unknown-value'

export interface Checked {
  readonly proposals: readonly Proposal[]
  /** Number of refused statements by reason. */
  readonly refused: Readonly<Partial<Record<Refusal, number>>>
}

/** Checks the statements about one product. Pure. */
export function checkResponse(
  statements: readonly Statement[],
  questions: readonly Question[],
  text: string,
): Checked {
  const proposals: Proposal[] = []
  const refused: Partial<Record<Refusal, number>> = {}
  const searched = toWords(text)
  const prompt = toWords(`${INSTRUCTIONS}\n${buildPrompt(questions, '')}`)
  for (const statement of statements) {
    const question = questions.find(({ field }) => field === statement.field)
    const isRepeated = statements.some(
      (other) => other !== statement && other.field === statement.field,
    )
    const checked =
      question === undefined
        ? 'not-asked'
        : isRepeated
          ? 'stated-twice'
          : checkStatement(statement, question, { searched, prompt })
    if (typeof checked === 'string') refused[checked] = (refused[checked] ?? 0) + 1
    else proposals.push(checked)
  }
  return { proposals, refused }
}

interface Texts {
  readonly searched: string
  readonly prompt: string
}

function checkStatement(
  { field, words, value }: Statement,
  question: Question,
  { searched, prompt }: Texts,
): Proposal | Refusal {
  const quotation = words.trim()
  const isQuotable =
    quotation.length >= QUOTATION_CHARS_MIN && quotation.length <= QUOTATION_CHARS_MAX
  if (!isQuotable || !hasWords(searched, quotation)) return 'not-in-the-text'
  if (value.length > VALUE_CHARS_MAX) return 'unknown-value'
  if (hasWords(prompt, value)) return 'in-the-prompt'
  const read = question.read(value)
  if (read === null) return 'unknown-value'
  const confidence = isDeepStrictEqual(question.read(quotation), read)
    ? CONFIDENCE.read
    : hasWords(toWords(quotation), value)
      ? CONFIDENCE.contained
      : CONFIDENCE.concluded
  return { field, value: read, quotation, confidence }
}

/** Returns the words of a text in one form, each between blanks. */
function toWords(text: string): string {
  const words = foldText(text).folded.match(/[\p{L}\p{N}]+/gu) ?? []
  return ` ${words.join(' ')} `
}

/** Returns true if these words occur in the text, one after the other. */
function hasWords(text: string, words: string): boolean {
  return text.includes(toWords(words))
}

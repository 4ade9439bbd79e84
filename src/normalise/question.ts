// A field that the rules may leave empty and that a language model may be asked about. The model
// only names words; the rules read them, so a model cannot add a value that the rules do not know.

import type { Json } from '../core/json.ts'

export interface Question {
  /** Name of the attribute that it fills. */
  readonly field: string
  /** Describes the field in the prompt. It must not name one of its values. */
  readonly meaning: string
  /** Reads the value of words that state this field, or returns null. */
  read(words: string): Json | null
}

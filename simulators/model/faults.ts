// Faults of a language model: the responses are valid HTTP, but their content is wrong.

import { z } from 'zod'
import { CommonFault, When } from '../support/faults.ts'

export const ModelFault = z.union([
  CommonFault,
  /** States a value for every field, with words that the text does not contain. */
  z.strictObject({ kind: z.literal('lie'), ...When }),
  /** States a value for every field, with the first words of the text. */
  z.strictObject({ kind: z.literal('misquote'), value: z.string(), ...When }),
  /** States a part of the prompt as the value of every field. */
  z.strictObject({ kind: z.literal('echo'), ...When }),
  /** Writes prose around the JSON. */
  z.strictObject({ kind: z.literal('ramble'), ...When }),
  /** States every fact twice, the second time with another value. */
  z.strictObject({ kind: z.literal('contradict'), ...When }),
  /** States a field that was not requested. */
  z.strictObject({ kind: z.literal('volunteer'), field: z.string(), ...When }),
  /** Declines to respond. */
  z.strictObject({ kind: z.literal('decline'), ...When }),
  /** Ends in the middle of the JSON, because its number of tokens was reached. */
  z.strictObject({ kind: z.literal('stop-short'), ...When }),
  /** Sends this as the content. */
  z.strictObject({ kind: z.literal('content'), content: z.string(), ...When }),
])
export type ModelFault = z.infer<typeof ModelFault>
export type ModelFaultInput = z.input<typeof ModelFault>

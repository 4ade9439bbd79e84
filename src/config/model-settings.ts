// Settings of the language model that proposes values for empty fields.

import type { Role } from '../core/roles.ts'
import { plain, secret } from './setting.ts'
import { HttpUrl, matching, upTo } from './value-schemas.ts'

/** The role that asks the model. */
const READ_BY: readonly Role[] = ['maintainer']
export const LLM_REQUESTS_PER_DAY_DEFAULT = 500
const REQUESTS_PER_DAY_MAX = 999_999

export const modelSettings = {
  LLM_URL: plain(HttpUrl, {
    description:
      'The base address of an API that is compatible with that of OpenAI. Sources with the policy enrich=true then get proposals for fields that the rules left empty.',
    default: 'none: no model is asked',
    example: 'https://api.openai.com/v1',
    readBy: READ_BY,
  }),
  LLM_KEY: secret(matching(/^\S+$/, 'a key without blanks'), {
    description: 'The key of that API.',
    default: 'none: requests have no key',
    example: 'sk-…',
    readBy: READ_BY,
  }),
  LLM_MODEL: plain(matching(/^\S{1,200}$/, 'the name of a model, without blanks'), {
    description: 'The model to ask; it must support structured output. Required with LLM_URL.',
    default: 'none',
    example: 'gpt-5-mini',
    readBy: READ_BY,
  }),
  LLM_REQUESTS_PER_DAY: plain(upTo(REQUESTS_PER_DAY_MAX), {
    description: 'The number of requests to the model in a day, by all processes together.',
    default: String(LLM_REQUESTS_PER_DAY_DEFAULT),
    example: '2000',
    readBy: READ_BY,
  }),
}

// The part of the error table for the endpoint of a language model. `ERRORS` checks its form.

export const MODEL_ERRORS = {
  'model/unavailable': {
    action: 'retry',
    status: 503,
    hint: 'Check LLM_URL and that its server runs. Products wait and are tried again; no sync waits for them.',
  },
  'model/limited': {
    action: 'retry',
    status: 503,
    hint: 'Wait, or raise the limit of your account at the provider of LLM_URL. Products wait and are tried again.',
  },
  'model/refused': {
    action: 'stop',
    status: 502,
    hint: 'Check LLM_KEY, LLM_MODEL and LLM_URL: the endpoint does not accept one of them.',
  },
  'model/invalid': {
    action: 'retry',
    status: 502,
    hint: 'Choose a model with structured output in LLM_MODEL if this happens often.',
  },
} as const

// The part of the error table for the steps after a run: images, and the language model. `ERRORS`
// checks its form.

export const IMAGE_ERRORS = {
  'image/missing': {
    action: 'stop',
    status: 502,
    hint: 'Check the address in a browser. If the image is there again, run `shelfsync images retry`. If a later sync reads another address, Shelfsync fetches that one.',
  },
  'image/refused': {
    action: 'retry',
    status: 502,
    hint: 'Ask the owner of the host to allow the User-Agent of Shelfsync, then run `shelfsync images retry --host HOST`. With `IMAGES=imagekit:…`, ImageKit fetches the images of a host that refuses.',
  },
  'image/wrong-type': {
    action: 'stop',
    status: 502,
    hint: 'Check the address. Shelfsync stores only JPEG, PNG, GIF, WebP and AVIF, which it recognises by their first bytes. The address itself stays in `api.images.url`.',
  },
  'image/too-large': {
    action: 'stop',
    status: 502,
    hint: 'Ask the supplier for a smaller file. The address itself stays in `api.images.url`.',
  },
  'image/store-unavailable': {
    action: 'retry',
    status: 503,
    hint: 'Check the service that IMAGES names. Nothing is lost: images are stored when it responds again.',
  },
  'image/store-refused': {
    action: 'stop',
    status: 502,
    hint: 'Read the reason that the service in IMAGES gives. After a change there, run `shelfsync images retry`.',
  },
} as const

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

// The part of the error table for requests to the HTTP servers. `ERRORS` checks its form.

export const REQUEST_ERRORS = {
  'request/invalid': {
    action: 'stop',
    status: 400,
    hint: 'Correct what the message names. docs/http.md lists the parameters of each route.',
  },
  'request/unauthorized': {
    action: 'stop',
    status: 401,
    hint: 'Send the value of ADMIN_KEY in the header X-ADMIN-KEY.',
  },
  'request/forbidden': {
    action: 'stop',
    status: 403,
    hint: 'Send the value of ADMIN_KEY: a READ_KEY may only look, and docs/http.md lists the routes for a SYNC_KEY.',
  },
  'request/other-site': {
    action: 'stop',
    status: 403,
    hint: 'Open the page in the dashboard again and send the form once more. Behind a proxy, set WEB_URL to the address in the browser.',
  },
  'request/unknown-path': {
    action: 'stop',
    status: 404,
    hint: 'Correct the path or the port: docs/http.md lists the routes of each service.',
  },
  'request/wrong-method': {
    action: 'stop',
    status: 405,
    hint: 'Use a method that the header Allow lists.',
  },
  'request/too-large': {
    action: 'stop',
    status: 413,
    hint: 'Send a smaller body: no route needs more than a few lines.',
  },
  'request/not-json': {
    action: 'stop',
    status: 415,
    hint: 'Send JSON, with the header Content-Type: application/json.',
  },
  'request/too-many-exports': {
    action: 'retry',
    status: 429,
    hint: 'Wait until one of them has ended, or write the file with `shelfsync export`.',
  },
  'request/too-many-waits': {
    action: 'retry',
    status: 429,
    hint: 'Wait as long as the header Retry-After says, or send the request without `wait`.',
  },
  'request/too-many-failures': {
    action: 'stop',
    status: 429,
    hint: 'Too many requests had a wrong key or none. Wait as long as the header Retry-After says.',
  },
} as const

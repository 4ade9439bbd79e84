// The documented error bodies of the Creators API, and the response of the retired PA-API 5.0.

export interface Answer {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

const TYPES: Readonly<Record<number, string>> = {
  400: 'ValidationException',
  401: 'UnauthorizedException',
  403: 'AccessDeniedException',
  404: 'ResourceNotFoundException',
  429: 'ThrottleException',
  500: 'InternalServerException',
}

export function refuse(status: number, reason: string | null, more: object = {}): Answer {
  const type = TYPES[status] ?? 'Exception'
  return {
    status,
    body: { type, message: `${type} of the simulator`, ...(reason && { reason }), ...more },
  }
}

/** The wait in the form that is set. */
export function throttle(
  waitMs: number,
  form: 'seconds' | 'date' | 'body' | 'none',
  more: object = {},
): Answer {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000))
  const refusal = refuse(429, null, {
    ...more,
    ...(form === 'body' && { retryAfterSeconds: seconds }),
  })
  if (form === 'seconds') return { ...refusal, headers: { 'retry-after': String(seconds) } }
  if (form !== 'date') return refusal
  const date = new Date(Date.now() + seconds * 1000)
  return { ...refusal, headers: { 'retry-after': date.toUTCString() } }
}

export const RETIRED: Answer = {
  status: 403,
  body: {
    __type: 'com.amazon.paapi5#AccessDeniedException',
    Errors: [
      {
        Code: 'AccessDenied',
        Message:
          'Product Advertising API is deprecated. Please migrate to Creators API using the migration guide at https://affiliate-program.amazon.com/creatorsapi/docs/en-us/migrating-to-creatorsapi-from-paapi.',
      },
    ],
  },
}

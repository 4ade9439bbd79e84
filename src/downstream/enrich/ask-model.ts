// Sends the text of a product to a language model. The library builds and validates the structured
// output of any endpoint that is compatible with OpenAI's; requests go through the client of this
// project, with its limits. https://ai-sdk.dev/docs/ai-sdk-core/generating-structured-data

import { z } from 'zod'
import { SyncError } from '../../core/errors.ts'
import type { Http } from '../../core/http.ts'
import { parseRetryAfter } from '../../lib/back-off.ts'
import { readBytes } from '../../lib/read-body.ts'
import type { Question } from '../../normalise/question.ts'
import { Statement } from './check-response.ts'
import { buildPrompt, INSTRUCTIONS } from './prompt.ts'

export interface ModelEndpoint {
  /** The base of the API, such as `https://api.openai.com/v1`. */
  readonly url: string
  /** Null for an endpoint without a key, such as one on this machine. */
  readonly key: string | null
  readonly model: string
}

/** A response with a statement for every field has about 2 KB. */
const RESPONSE_BYTES_MAX = 256 * 1024
const OUTPUT_TOKENS_MAX = 1_000
/** A model on a small machine takes long to begin. */
const FIRST_BYTE_TIMEOUT_MS = 120_000

/**
 * Asks which of the fields the text states. One request, without retries.
 *
 * @throws SyncError `model/…`
 */
export async function askModel(
  http: Http,
  { url, key, model }: ModelEndpoint,
  { questions, text }: { readonly questions: readonly Question[]; readonly text: string },
  signal: AbortSignal,
): Promise<readonly Statement[]> {
  // Loaded with the first request: the library has 25 MB.
  const [{ generateText, Output }, { createOpenAICompatible }] = await Promise.all([
    import('ai'),
    import('@ai-sdk/openai-compatible'),
  ])
  const provider = createOpenAICompatible({
    name: 'model',
    baseURL: url,
    fetch: toFetch(http, signal),
    supportsStructuredOutputs: true,
    ...(key === null ? {} : { apiKey: key }),
  })
  try {
    const { output } = await generateText({
      model: provider(model),
      instructions: INSTRUCTIONS,
      prompt: buildPrompt(questions, text),
      output: Output.object({ schema: toSchema(questions), name: 'facts' }),
      maxOutputTokens: OUTPUT_TOKENS_MAX,
      temperature: 0,
      maxRetries: 0,
      abortSignal: signal,
      telemetry: { isEnabled: false },
    })
    return output.facts
  } catch (error) {
    throw await toModelError(error, signal)
  }
}

/** The fields are the only values in the schema. */
function toSchema(questions: readonly Question[]) {
  const field = z.enum(questions.map((question) => question.field))
  return z.object({ facts: z.array(Statement.extend({ field })) })
}

/** A `fetch` that reads a whole response of limited size. */
function toFetch(http: Http, signal: AbortSignal): typeof fetch {
  return async (address, init) => {
    const response = await http(
      {
        url: address instanceof Request ? address.url : String(address),
        method: 'POST',
        headers: Object.fromEntries(new Headers(init?.headers)),
        body: typeof init?.body === 'string' ? init.body : '',
        firstByteTimeoutMs: FIRST_BYTE_TIMEOUT_MS,
      },
      signal,
    )
    const bytes = await readBytes(response, RESPONSE_BYTES_MAX)
    const { status, headers } = response
    return new Response(Buffer.from(bytes), { status, headers })
  }
}

async function toModelError(error: unknown, signal: AbortSignal): Promise<unknown> {
  if (signal.aborted) return error
  const { APICallError, NoObjectGeneratedError } = await import('ai')
  if (NoObjectGeneratedError.isInstance(error))
    return new SyncError('model/invalid', 'The response of the model does not match the schema')
  if (APICallError.isInstance(error)) {
    const { statusCode, responseHeaders } = error
    if (statusCode !== undefined) return toStatusError(statusCode, responseHeaders)
  }
  const cause = findSyncError(error)
  if (cause?.code.startsWith('db/') === true) return cause
  if (cause?.code === 'source/rate-limited')
    return new SyncError('model/limited', cause.message, { retryAfterMs: cause.retryAfterMs })
  if (cause?.code === 'source/too-large')
    return new SyncError('model/invalid', cause.message, { cause })
  if (cause !== null) return new SyncError('model/unavailable', cause.message, { cause })
  const isInvalid = error instanceof Error && error.name.startsWith('AI_')
  return isInvalid
    ? new SyncError('model/invalid', 'The response of the model cannot be read', { cause: error })
    : error
}

function toStatusError(
  status: number,
  headers: Readonly<Record<string, string>> | undefined,
): SyncError {
  const message = `The endpoint of the model responded with status ${status}`
  const retryAfterMs = parseRetryAfter(headers?.['retry-after'] ?? null, Date.now())
  if (status === 429 || status === 402)
    return new SyncError('model/limited', message, { retryAfterMs })
  if (status >= 500 || status === 408)
    return new SyncError('model/unavailable', message, { retryAfterMs })
  return status >= 400
    ? new SyncError('model/refused', message)
    : new SyncError('model/invalid', `${message} and a body that is not a completion`)
}

/** The library wraps the errors of `fetch`. */
function findSyncError(error: unknown): SyncError | null {
  if (error instanceof SyncError) return error
  return error instanceof Error && error.cause !== undefined ? findSyncError(error.cause) : null
}

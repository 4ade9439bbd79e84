// The endpoint of a language model on loopback, compatible with OpenAI's chat completions:
// https://platform.openai.com/docs/api-reference/chat/create

import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import { sendFaultResponse } from '../support/body.ts'
import { handleControl, isControl, type Verbs } from '../support/control.ts'
import { createFaultBook, type FaultBook, type Taken } from '../support/faults.ts'
import { listen, readPath, readText, sendJson } from '../support/server.ts'
import { createStats, type Stats } from '../support/stats.ts'
import { readPrompt, writeContent } from './facts.ts'
import { ModelFault, type ModelFaultInput } from './faults.ts'

export interface ModelOptions {
  /** 0: a free port. */
  readonly port?: number
  /** Null: no key is needed. */
  readonly key?: string | null
}

export interface ModelSimulator {
  /** The base of the API. */
  readonly url: string
  readonly faults: FaultBook<ModelFault, ModelFaultInput>
  readonly stats: Stats
  close(): Promise<void>
}

const COMPLETIONS = '/v1/chat/completions'

const Completion = z.object({
  model: z.string(),
  messages: z.array(z.object({ role: z.string(), content: z.string() })).min(1),
  response_format: z.object({ type: z.literal('json_schema') }),
})

export async function startModel(options: ModelOptions = {}): Promise<ModelSimulator> {
  const { port = 0, key = null } = options
  const faults = createFaultBook(ModelFault)
  const stats = createStats()
  const verbs = createVerbs(faults, stats)
  const { url, close } = await listen(
    async (request, response) => {
      if (isControl(request)) return handleControl(request, response, verbs)
      const path = readPath(request)
      const text = await readText(request)
      stats.recordRequest(path, { method: 'POST', url: path, caller: null, body: parse(text) })
      const taken = faults.take(path)
      if (!(await sendFaultResponse(response, taken)))
        respond({ request, response, key, text, taken })
      stats.recordResponse(response.statusCode, 0)
    },
    { port },
  )
  return { url: `${url}/v1`, faults, stats, close }
}

function createVerbs(faults: FaultBook<ModelFault, ModelFaultInput>, stats: Stats): Verbs {
  return {
    'GET faults': () => ({ faults: faults.list() }),
    'POST faults': (body) => faults.set(body as ModelFaultInput),
    'DELETE faults': () => faults.clear(),
    'GET stats': () => stats.snapshot(),
  }
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly key: string | null
  readonly text: string
  readonly taken: Taken<ModelFault>
}

function respond({ request, response, key, text, taken }: Exchange): void {
  const fail = (status: number, message: string): void =>
    sendJson(response, status, { error: { message, type: 'invalid_request_error' } })
  if (request.method !== 'POST' || readPath(request) !== COMPLETIONS)
    return fail(404, `${request.method} ${readPath(request)} does not exist`)
  if (key !== null && request.headers.authorization !== `Bearer ${key}`)
    return fail(401, 'Incorrect API key provided')
  const parsed = Completion.safeParse(parse(text))
  if (!parsed.success) return fail(400, z.prettifyError(parsed.error))
  const { model, messages } = parsed.data
  const fault = taken.faults.find(({ kind }) => kind !== 'latency')
  const content = writeContent(readPrompt(messages.at(-1)?.content ?? ''), fault)
  const isCut = fault?.kind === 'stop-short'
  sendJson(response, 200, {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1_790_000_000,
    model,
    choices: [
      {
        index: 0,
        finish_reason: isCut ? 'length' : 'stop',
        message: {
          role: 'assistant',
          content,
          ...(content === null ? { refusal: 'I cannot help with that.' } : {}),
        },
      },
    ],
    usage: { prompt_tokens: text.length, completion_tokens: 20, total_tokens: text.length + 20 },
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

// The model is a real HTTP server that also lies, rambles and repeats its prompt.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ModelSimulator, startModel } from '../../../simulators/model/server.ts'
import type { ModelFaultInput } from '../../../simulators/model/faults.ts'
import { SyncError } from '../../core/errors.ts'
import { createAddressGuard } from '../../node/address-guard.ts'
import { createHttp } from '../../node/http-client.ts'
import type { Question } from '../../normalise/question.ts'
import { askModel } from './ask-model.ts'
import { checkResponse, type Checked } from './check-response.ts'

const KEY = 'planted-model-key'
const TEXT =
  'Our house coffee from the hills of Ethiopia. We roast it until just before second crack. Dried inside the fruit.'

const readList =
  (...values: readonly string[]) =>
  (words: string): string | null =>
    values.find((value) => words.toLowerCase().includes(value.replace('_', ' '))) ?? null

const QUESTIONS: readonly Question[] = [
  {
    field: 'roast_level',
    meaning: 'the degree of heat',
    read: readList('medium_dark', 'medium', 'light', 'dark'),
  },
  {
    field: 'country',
    meaning: 'where the plant grew',
    read: readList('ethiopia', 'brazil'),
  },
]

let model: ModelSimulator
const http = createHttp({ guard: createAddressGuard(['127.0.0.1']), userAgent: 'Test/1' })
before(async () => {
  model = await startModel({ key: KEY })
})
after(async () => {
  await http.close()
  await model.close()
})

async function ask(fault?: ModelFaultInput, { key = KEY, url = model.url } = {}): Promise<Checked> {
  model.faults.clear()
  if (fault) model.faults.set(fault)
  const endpoint = { url, key, model: 'simulated' }
  const product = { questions: QUESTIONS, text: TEXT }
  const statements = await askModel(http, endpoint, product, AbortSignal.timeout(60_000))
  return checkResponse(statements, QUESTIONS, TEXT)
}

test('a value is proposed with the words of the text that state it', async () => {
  assert.deepEqual(await ask(), {
    proposals: [
      {
        field: 'roast_level',
        value: 'medium_dark',
        quotation: 'just before second crack',
        confidence: 0.5,
      },
      {
        field: 'country',
        value: 'ethiopia',
        quotation: 'the hills of Ethiopia',
        confidence: 0.9,
      },
    ],
    refused: {},
  })
  const body = model.stats.snapshot().last.at(-1)?.body as { readonly messages: unknown }
  assert.doesNotMatch(JSON.stringify(body), new RegExp(KEY))
})

test('statements without support in the text are refused, each with its reason', async () => {
  const cases: readonly [ModelFaultInput, Checked['refused']][] = [
    [{ kind: 'lie' }, { 'not-in-the-text': 2 }],
    [{ kind: 'echo' }, { 'in-the-prompt': 2 }],
    [{ kind: 'misquote', value: 'ERROR: REVIEW_REQUIRED' }, { 'unknown-value': 2 }],
    [{ kind: 'misquote', value: '' }, { 'unknown-value': 2 }],
    [{ kind: 'misquote', value: 'unknown' }, { 'unknown-value': 2 }],
    [{ kind: 'contradict' }, { 'stated-twice': 4 }],
  ]
  for (const [fault, refused] of cases)
    assert.deepEqual(await ask(fault), { proposals: [], refused }, JSON.stringify(fault))
})

test('a response without the requested structure is an error, with nothing proposed', async () => {
  const faults: readonly ModelFaultInput[] = [
    { kind: 'ramble' },
    { kind: 'decline' },
    { kind: 'stop-short' },
    { kind: 'volunteer', field: 'price' },
    { kind: 'content', content: '[]' },
    { kind: 'content', content: '{"facts":[{"field":"country"}]}' },
    { kind: 'content', content: 'x'.repeat(300_000) },
    { kind: 'status', status: 200, body: '{"choices":"none"}' },
    { kind: 'status', status: 200, body: '<!doctype html>' },
    { kind: 'empty' },
  ]
  for (const fault of faults)
    await assert.rejects(
      ask(fault),
      (error) => error instanceof SyncError && error.code === 'model/invalid',
      JSON.stringify(fault),
    )
})

test('the status of the endpoint decides whether the question is asked again', async () => {
  const cases: readonly [ModelFaultInput, string][] = [
    [{ kind: 'status', status: 429, headers: { 'retry-after': '7' } }, 'model/limited'],
    [{ kind: 'status', status: 402 }, 'model/limited'],
    [{ kind: 'status', status: 503 }, 'model/unavailable'],
    [{ kind: 'status', status: 404 }, 'model/refused'],
    [{ kind: 'status', status: 400 }, 'model/refused'],
  ]
  for (const [fault, code] of cases)
    await assert.rejects(ask(fault), { code }, JSON.stringify(fault))
  await assert.rejects(ask({ kind: 'status', status: 429, headers: { 'retry-after': '7' } }), {
    retryAfterMs: 7_000,
  })
  await assert.rejects(ask(undefined, { key: 'wrong' }), { code: 'model/refused' })
  await assert.rejects(ask(undefined, { url: 'http://127.0.0.1:9/v1' }), {
    code: 'model/unavailable',
  })
})

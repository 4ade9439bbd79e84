// Enriches one product: claim, ask or find the stored response, check, propose. A process that dies
// in between loses its lease, and the next attempt uses the stored response.

import { z } from 'zod'
import { messageOf, SyncError } from '../../core/errors.ts'
import { MODEL_ERRORS } from '../../core/downstream-errors.ts'
import { Policy } from '../../core/policy.ts'
import { SourceOptions } from '../../core/source-options.ts'
import { chooseDelayMs } from '../../lib/back-off.ts'
import {
  claimEnrichment,
  findModelResponse,
  finishEnrichment,
  proposeValue,
  saveModelResponse,
  withdrawProposals,
  type ClaimedProduct,
} from '../../db/write/enrichments.ts'
import { hashSha256 } from '../../node/hash.ts'
import { loadPack } from '../../normalise/domain-packs.ts'
import type { Question } from '../../normalise/question.ts'
import type { StepTools } from '../step.ts'
import { askModel, type ModelEndpoint } from './ask-model.ts'
import { checkResponse, Statement, type Proposal } from './check-response.ts'
import { writeProductText } from './product-text.ts'
import { PROMPT_VERSION } from './prompt.ts'

/** A request has ended, or failed by its own time limits, long before. */
const LEASE_MS = 10 * 60_000
/** Attempts with a model whose responses do not match the schema. */
const INVALID_MAX = 3
const RETRY = { baseMs: 60_000, maxMs: 3_600_000 } as const

const Statements = z.array(Statement)

/**
 * Returns false when no product is due.
 *
 * @throws SyncError `model/…` after it was recorded and the product waits for its next attempt · `db/…`
 */
export async function enrichProduct(
  tools: Pick<StepTools, 'db' | 'http' | 'log' | 'metrics'>,
  endpoint: ModelEndpoint,
  signal: AbortSignal,
): Promise<boolean> {
  const product = await claimEnrichment(tools.db, LEASE_MS)
  if (product === null) return false
  try {
    await enrich(tools, endpoint, product, signal)
  } catch (error) {
    if (!isModelError(error)) throw error
    const isLast = error.code === 'model/invalid' && product.attempts + 1 >= INVALID_MAX
    const retryMs = chooseDelayMs(product.attempts, {
      ...RETRY,
      retryAfterMs: error.retryAfterMs,
    })
    await finishEnrichment(tools.db, product, {
      failure: messageOf(error),
      retryMs: isLast ? null : retryMs,
    })
    tools.metrics.count('shelfsync_model_failures_total', { code: error.code })
    throw error
  }
  await finishEnrichment(tools.db, product, { failure: null, retryMs: null })
  return true
}

function isModelError(
  error: unknown,
): error is SyncError & { readonly code: keyof typeof MODEL_ERRORS } {
  return error instanceof SyncError && Object.hasOwn(MODEL_ERRORS, error.code)
}

async function enrich(
  tools: Pick<StepTools, 'db' | 'http' | 'log' | 'metrics'>,
  endpoint: ModelEndpoint,
  product: ClaimedProduct,
  signal: AbortSignal,
): Promise<void> {
  const { db, log, metrics } = tools
  const options = SourceOptions.parse(product.options)
  const pack = await loadPack(options.pack)
  const questions = pack?.findQuestions(product.attributes) ?? []
  const text = writeProductText(product)
  if (questions.length === 0 || text === '') return
  // A response quotes the product.
  const isKept = Policy.parse(product.policy).expiresAfterHours === null
  const asked = { questions, text }
  const statements = isKept
    ? await findStatements(tools, endpoint, asked, signal)
    : await askModel(tools.http, endpoint, asked, signal)
  const checked = checkResponse(statements, questions, text)
  await propose(db, product, checked.proposals, endpoint.model)
  const refusals = Object.values(checked.refused).reduce((sum, count) => sum + count, 0)
  metrics.count(
    'shelfsync_model_statements_total',
    { outcome: 'proposed' },
    checked.proposals.length,
  )
  metrics.count('shelfsync_model_statements_total', { outcome: 'refused' }, refusals)
  const { source, externalId } = product
  log.debug(
    { source, product: externalId, proposed: checked.proposals.length, refused: checked.refused },
    'a model was asked about a product',
  )
}

async function propose(
  db: StepTools['db'],
  product: ClaimedProduct,
  proposals: readonly Proposal[],
  model: string,
): Promise<void> {
  const values = proposals.map(({ field, ...proposal }) => ({
    field: `attributes.${field}`,
    model,
    ...proposal,
  }))
  await withdrawProposals(db, product, values)
  const threshold = Policy.parse(product.policy).acceptProposals ?? null
  for (const value of values) await proposeValue(db, product, value, threshold)
}

async function findStatements(
  { db, http }: Pick<StepTools, 'db' | 'http'>,
  endpoint: ModelEndpoint,
  asked: { readonly questions: readonly Question[]; readonly text: string },
  signal: AbortSignal,
): Promise<readonly Statement[]> {
  const key = hashQuestion(endpoint, asked)
  const stored = Statements.safeParse(await findModelResponse(db, key))
  if (stored.success) return stored.data
  const statements = await askModel(http, endpoint, asked, signal)
  await saveModelResponse(db, key, statements)
  return statements
}

/** Covers everything that the response depends on. */
function hashQuestion(
  { url, model }: ModelEndpoint,
  { questions, text }: { readonly questions: readonly Question[]; readonly text: string },
): Uint8Array {
  const fields = questions.map(({ field, meaning }) => [field, meaning])
  return hashSha256(Buffer.from(JSON.stringify([PROMPT_VERSION, url, model, fields, text])))
}

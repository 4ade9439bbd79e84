// The downstream step `enrich`: asks a language model about fields that the rules left empty, and
// proposes what the text supports. It never changes what the supplier states, and never a price.

import type { DownstreamStep, OpenStep, StepTools } from '../step.ts'
import { limitRequests } from '../../sources/limited-http.ts'
import { hasEnrichments, queueEnrichments } from '../../db/write/enrichments.ts'
import { enrichProduct } from './enrich-product.ts'

/** Products that a scan looks at in one call. */
const SCAN_PAGE = 500
/** Time between two requests to the model, on average. */
const INTERVAL_MS = 1_000
const BURST = 5

export const enrich: DownstreamStep = { name: 'enrichment', role: 'maintainer', open }

function open(tools: StepTools): OpenStep | null {
  const { model } = tools.settings
  if (model === null) return null
  const { url, requestsPerDay } = model
  const key = new URL(url).host
  const limit = { scope: 'model', key, intervalMs: INTERVAL_MS, burst: BURST, concurrency: 1 }
  const rules = {
    limits: [{ ...limit, perDay: requestsPerDay }],
    breaker: { scope: 'model', key },
  }
  const http = limitRequests(
    { ...tools, requestIntervals: tools.settings.requestIntervals },
    { connector: { rules: () => rules }, settings: null, credentials: null },
  )
  return {
    workers: 1,
    async work(signal) {
      if (await enrichProduct({ ...tools, http }, model, signal)) return true
      return (await queueEnrichments(tools.db, SCAN_PAGE)) > 0
    },
    hasWork: () => hasEnrichments(tools.db),
  }
}

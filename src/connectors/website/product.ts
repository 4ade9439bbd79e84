// Turns the evidence of a page into a product, or says why it shows none.

import type { NewDraft } from '../../core/define-connector.ts'
import { SyncError } from '../../core/errors.ts'
import { isObject } from '../../lib/objects.ts'
import { toPageAddress } from './addresses.ts'
import type { PageEvidence } from './evidence.ts'
import { PRODUCT_TYPES } from './vocabulary.ts'

export interface PageSettings {
  /** ISO 4217, for pages that state no currency; null leaves such a price out. */
  readonly currency?: string | null | undefined
}

/** Returns the reason why a page shows no product, as a sentence, or null when it shows one. */
export function explainNoProduct(evidence: PageEvidence): string | null {
  const isProduct = evidence.items.some(({ item }) =>
    item.types.some((type) => PRODUCT_TYPES.has(type)),
  )
  return isProduct ? null : 'The page has no structured data of a product'
}

/** Returns the id of the product of a page: its canonical address. Null without a valid address. */
export function identifyPage(evidence: unknown): string | null {
  if (!isObject(evidence) || typeof evidence.url !== 'string') return null
  return toPageAddress(evidence.url)
}

/** Pure. @throws SyncError `record/invalid` when the page shows no product */
export function readProduct(evidence: PageEvidence, _settings: PageSettings): NewDraft {
  const reason = explainNoProduct(evidence)
  const externalId = identifyPage(evidence)
  if (reason !== null || externalId === null)
    throw new SyncError('record/invalid', reason ?? 'The page has no address')
  return { externalId, title: evidence.heading ?? evidence.title, url: externalId }
}

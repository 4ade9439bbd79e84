// The objects of the read API, formatted from the read models. src/http/catalogue/schemas.ts
// describes them.

import { formatAmount } from '../../core/money.ts'
import type { PriceItem, VariantItem } from '../../db/read/catalogue-prices.ts'
import type {
  CataloguePrice,
  CatalogueProduct,
  CatalogueVariant,
} from '../../db/read/catalogue-products.ts'
import type { RunDetails } from '../../db/read/run-summaries.ts'
import type { LastRun, SourceSummary } from '../../db/read/source-summaries.ts'
import { toRunJson } from '../control/runs.ts'

export function toProductJson({ sourceId: _, product, variants, ...rest }: CatalogueProduct) {
  const { id, source, ...fields } = rest
  return { id, source, externalId: product, ...fields, variants: variants.map(toVariantJson) }
}

function toVariantJson({ id, prices, ...variant }: CatalogueVariant) {
  return { externalId: id, ...variant, prices: prices.map(toPriceJson) }
}

function toPriceJson({ type, observedAt, ...price }: CataloguePrice) {
  return { type, ...toMoney(price), observedAt: new Date(observedAt) }
}

export function toVariantItemJson({ sourceId: _, source, productId, ...variant }: VariantItem) {
  return { source, productId, ...variant }
}

export function toPriceItemJson(price: PriceItem) {
  const { source, productId, product, variant, type, observedAt, run } = price
  return { source, productId, product, variant, type, ...toMoney(price), observedAt, run }
}

export function toPastPriceJson(price: PriceItem) {
  const { run, ...fields } = toPriceItemJson(price)
  return { ...fields, isCurrent: price.isCurrent, run }
}

/** An amount as an integer, if JSON readers can represent it, and as a decimal. */
function toMoney({
  minor,
  compareAtMinor,
  currency,
}: Pick<PriceItem, 'minor' | 'compareAtMinor' | 'currency'>) {
  return {
    amountMinor: toSafeInteger(minor),
    amount: minor === null ? null : formatAmount(minor, currency),
    currency,
    compareAtMinor: toSafeInteger(compareAtMinor),
    compareAt: compareAtMinor === null ? null : formatAmount(compareAtMinor, currency),
  }
}

function toSafeInteger(digits: string | null): number | null {
  const value = Number(digits)
  return digits !== null && Number.isSafeInteger(value) ? value : null
}

export function toSourceJson(summary: SourceSummary) {
  const { failure } = summary
  return {
    name: summary.source,
    connector: summary.connector,
    state: summary.state,
    lastRun: summary.lastRun && toLastRunJson(summary.lastRun),
    lastRefresh: summary.lastRefresh && toLastRunJson(summary.lastRefresh),
    lastGoodAt: summary.lastGoodAt,
    heldRuns: summary.heldRuns,
    heldPrices: summary.heldPrices,
    openReviews: summary.openReviews,
    openQuarantine: summary.openQuarantine,
    removalsOff: summary.removalsOff,
    failure: failure && {
      class: failure.class,
      runs: failure.runs,
      sinceAt: failure.sinceAt,
      lastAt: failure.lastAt,
    },
  }
}

function toLastRunJson({ id, kind, state, startedAt, finishedAt }: LastRun) {
  return { run: id, kind, state, startedAt, finishedAt }
}

export function toRunDetailJson(run: RunDetails) {
  return {
    ...toRunJson(run),
    changes: run.changes,
    openReviews: run.openReviews,
    heldPrices: run.heldPrices,
    openQuarantine: run.openQuarantine,
    otherQuarantine: run.otherQuarantine,
  }
}

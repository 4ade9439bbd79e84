// The page of a product: what it is, how its prices went, each change with its run, where its
// values come from, and, of a removed one, why. Content whose licence has ended is not read at all.

import { z } from 'zod'
import { SyncError } from '../../../core/errors.ts'
import { isSafeLink } from '../../../core/safe-links.ts'
import { describeProducts, type CatalogueProduct } from '../../../db/read/catalogue-products.ts'
import {
  explainProduct,
  loadRecord,
  type ExplainedChange,
  type ProductExplanation,
} from '../../../db/read/product-explanations.ts'
import { loadSource } from '../../../db/sources.ts'
import { formatBytes, formatInstant } from '../../../format/format.ts'
import { cutText } from '../../../lib/text.ts'
import { formatQuantity } from '../../../lib/words.ts'
import { EMPTY, html, join, type Content, type Html } from '../html.ts'
import { definePage } from '../page.ts'
import { badge } from '../parts/badge.ts'
import { code, disclosure, emptyState, facts, notice, pageHeading, panel } from '../parts/blocks.ts'
import { table } from '../parts/table.ts'
import { instant, orNone, time } from '../parts/values.ts'
import { showAvailability } from './product-availability.ts'
import { showPrices } from './product-prices.ts'

const ENTRIES = 100
/** Characters shown of the record and of a value; the whole record is in the archive. */
const RECORD_CHARS_MAX = 60_000
const VALUE_CHARS_MAX = 300

export const productPage = definePage({
  path: '/products/:source/:key',
  example: '/products/pharmacy/M01DA065AB',
  params: z.object({ source: z.string().max(63), key: z.string().min(1).max(2000) }),
  async render({ services: { db, nowMs }, params }) {
    const { id: sourceId } = await loadSource(db, params.source)
    const [whole, [product], record] = await Promise.all([
      explainProduct(db, sourceId, params.key, ENTRIES),
      describeProducts(db, [{ sourceId, product: params.key }]),
      loadRecord(db, sourceId, params.key),
    ])
    const explanation = product === undefined ? hideContent(whole) : whole
    const known = explanation.product
    if (known === null)
      throw new SyncError('product/unknown', `${params.source} has no product "${params.key}"`)
    const title = known.title ?? params.key
    return {
      title,
      main: html`${pageHeading({
        title,
        about: html`${params.key} · ${known.status}, since ${time(known.changedAt, nowMs())}`,
        state: badge(known.status),
        trail: [
          { href: '/products', label: 'Products' },
          { href: `/products?source=${encodeURIComponent(params.source)}`, label: params.source },
        ],
      })}
      ${product === undefined ? showExpired(known.expiresAt) : EMPTY}
      ${showRemoval(explanation)}${showReviews(explanation)}
      ${product === undefined ? EMPTY : showFacts(product)}
      ${showPrices(explanation.prices, new Date(nowMs()))}
      ${showAvailability({
        status: known.status,
        variants: (product?.variants ?? []).map(({ id, sku, title: name, availability }) => ({
          id,
          name: name ?? sku ?? id,
          availability,
        })),
        changes: explanation.changes,
        // The oldest changes are not read of a product that has more of them than are shown.
        firstSeenAt: explanation.changes[ENTRIES - 1]?.changedAt ?? known.firstSeenAt,
        now: new Date(nowMs()),
      })}
      ${product === undefined ? EMPTY : showVariants(product)}
      ${showChanges(explanation.changes, nowMs())}${showProvenance(explanation)}
      ${showRecord(record, explanation)}`,
    }
  },
})

/** Changes and reviews quote content, also of a product whose licence has ended. */
function hideContent(explanation: ProductExplanation): ProductExplanation {
  return {
    ...explanation,
    changes: explanation.changes.map((change) => ({ ...change, detail: {} })),
    reviews: explanation.reviews.map((review) => ({ ...review, reason: 'expired', detail: {} })),
  }
}

function showExpired(at: Date | null): Html {
  return notice(
    'warn',
    html`The licence of this product's content ended at ${instant(at)}. It is shown again after the
    next request to the supplier.`,
  )
}

function runLink(run: number): Html {
  return html`<a href="/runs/${run}">run ${run}</a>`
}

/** Of a removed product: the runs that did not see it, and what they counted. */
function showRemoval({ product, runs, missingSince, changes }: ProductExplanation): Html {
  if (product?.status !== 'removed')
    return missingSince === null
      ? EMPTY
      : notice(
          'warn',
          html`${runLink(missingSince.run)} did not see the product at ${instant(missingSince.at)}.
          The next complete run that does not see it either removes it.`,
        )
  const receipt = runs.filter(({ saw }) => !saw).slice(0, 2)
  const removed = changes.find(({ kind }) => kind === 'removed')
  return panel(
    { title: 'Why it was removed' },
    html`<p>
        ${removed === undefined ? 'A run' : runLink(removed.run)} removed it, because two complete
        runs in a row did not see it, or a person approved its removal.
      </p>
      ${table({
        caption: 'Runs without the product',
        columns: [
          { label: 'Run', isHeader: true, cell: ({ run }) => runLink(run) },
          { label: 'Started', cell: ({ startedAt }) => instant(startedAt) },
          { label: 'Expected', kind: 'number', cell: ({ expected }) => orNone(expected) },
          { label: 'Fetched', kind: 'number', cell: ({ fetched }) => fetched },
          { label: 'Missing', kind: 'number', cell: ({ missing }) => missing },
          { label: 'Removed', kind: 'number', cell: ({ removed: count }) => count },
          { label: 'Approved by', cell: ({ decidedBy }) => orNone(decidedBy) },
        ],
        rows: receipt,
        empty: 'The runs are no longer known.',
      })}`,
  )
}

function showReviews({ reviews, prices }: ProductExplanation): Html {
  const open = [
    ...reviews.filter(({ state }) => state === 'open').map(({ id, reason }) => ({ id, reason })),
    ...prices.flatMap(({ review, reason }) =>
      review === null ? [] : [{ id: review, reason: reason ?? '' }],
    ),
  ]
  return open.length === 0
    ? EMPTY
    : notice(
        'warn',
        join(
          open.map(({ id, reason }) => html`<a href="/reviews/${id}">Review ${id}</a>: ${reason}`),
          html`<br />`,
        ),
      )
}

function showFacts(product: CatalogueProduct): Html {
  const { brand, manufacturer, url, identifiers, images, successor } = product
  const codes = Object.entries(identifiers).map(([name, value]) => `${name} ${String(value)}`)
  return panel(
    { title: 'Product' },
    facts([
      ['Brand', brand],
      ['Manufacturer', manufacturer],
      ['Identifiers', codes.length > 0 && codes.join(', ')],
      ['Replaced by', successor],
      ['Page at the supplier', url !== null && showLink(url, url)],
      [
        'Images',
        images.length > 0 &&
          join(
            images.map(({ url: address, copyUrl, alt }, n) =>
              showLink(copyUrl ?? address, alt ?? `Image ${n + 1}`),
            ),
            ', ',
          ),
      ],
      ['First seen', instant(product.firstSeenAt)],
      ['Changed at the supplier', product.sourceUpdatedAt && instant(product.sourceUpdatedAt)],
      ['Last available', product.lastAvailableAt && instant(product.lastAvailableAt)],
      ['Content may be shown until', product.expiresAt && instant(product.expiresAt)],
    ]),
  )
}

/** A link that cannot run a script, and sends the supplier no referrer. */
function showLink(url: string, text: string): Html {
  const shown = cutText(text, 120)
  if (!isSafeLink(url)) return html`${shown}`
  return html`<a href="${url}" rel="noopener noreferrer nofollow" target="_blank">${shown}</a>`
}

function showVariants({ variants }: CatalogueProduct): Html {
  if (variants.length === 0) return EMPTY
  const list = table({
    caption: 'Variants',
    columns: [
      { label: 'Variant', kind: 'free', isHeader: true, cell: ({ id, title }) => title ?? id },
      { label: 'SKU', cell: ({ sku }) => orNone(sku) },
      { label: 'GTIN', cell: ({ gtin }) => orNone(gtin) },
      {
        label: 'Weight',
        kind: 'number',
        isMinor: true,
        cell: ({ weightGrams }) => orNone(weightGrams === null ? null : `${weightGrams} g`),
      },
      { label: 'Availability', cell: ({ availability: at }) => orNone(at?.replaceAll('_', ' ')) },
    ],
    rows: variants,
    empty: EMPTY,
  })
  return panel({ title: formatQuantity(variants.length, 'variant') }, list)
}

function showChanges(changes: readonly ExplainedChange[], nowMs: number): Html {
  const list = table({
    caption: 'Changes of the product',
    columns: [
      { label: 'Change', isHeader: true, cell: ({ kind }) => kind },
      {
        label: 'Fields',
        kind: 'free',
        cell: ({ detail }) =>
          html`<ul class="plain">
            ${Object.entries(detail).map(([name, value]) => html`<li>${showMember(name, value)}</li>`)}
          </ul>`,
      },
      { label: 'Run', cell: ({ run }) => runLink(run) },
      { label: 'At', kind: 'number', cell: ({ changedAt }) => time(changedAt, nowMs) },
    ],
    rows: changes,
    empty: emptyState({
      title: 'No change since the first load',
      about: 'Each run that changes the product adds a row here, with the values before and after.',
    }),
  })
  return panel({ title: 'Changes' }, list)
}

function showMember(name: string, value: unknown): Content {
  if (!Array.isArray(value) || value.length < 2) return html`<strong>${name}</strong>: expired`
  const [before, after]: readonly unknown[] = value
  return html`<strong>${name}</strong>: <del>${toText(before)}</del> → <ins>${toText(after)}</ins>`
}

function toText(value: unknown): string {
  if (value === null || value === undefined) return 'none'
  return cutText(typeof value === 'string' ? value : JSON.stringify(value), VALUE_CHARS_MAX)
}

function showProvenance({ product }: ProductExplanation): Html {
  const rows = Object.entries(product?.provenance ?? {})
  if (rows.length === 0) return EMPTY
  const list = table({
    caption: 'Values that a rule has read in a text',
    columns: [
      { label: 'Value', isHeader: true, cell: ([path]) => path },
      {
        label: 'Words',
        kind: 'free',
        cell: ([, { raw: words }]) => html`<q>${cutText(words, VALUE_CHARS_MAX)}</q>`,
      },
      { label: 'In', cell: ([, { place }]) => place },
      { label: 'Rule', cell: ([, { rule }]) => rule },
      {
        label: 'Confidence',
        kind: 'number',
        cell: ([, { confidence }]) => `${Math.round(confidence * 100)} %`,
      },
    ],
    rows,
    empty: EMPTY,
  })
  return panel({ title: 'Origin of the values' }, list)
}

function showRecord(record: string | null, { product, missingSince }: ProductExplanation): Html {
  const place = product?.record
  if (record === null) return EMPTY
  const cut = record.length > RECORD_CHARS_MAX
  const where = place
    ? html`Part ${place.part}, line ${place.line} of the artifact of ${runLink(place.artifactRun)}.`
    : html`The last record before the removal.`
  return panel(
    { title: 'Record' },
    disclosure(
      `The supplier's record (${formatBytes(record.length)})`,
      html`<p>
          ${where}${missingSince === null ? '' : ` Missing since ${formatInstant(missingSince.at)}.`}
          ${cut ? `The first ${formatBytes(RECORD_CHARS_MAX)} are shown.` : ''}
        </p>
        ${code(record.slice(0, RECORD_CHARS_MAX), "The supplier's record")}`,
    ),
  )
}

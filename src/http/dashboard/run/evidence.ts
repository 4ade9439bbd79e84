// The evidence of a held run beside the decision: what was found, what the policy allows, what an
// approval would change, and samples of it. The approval carries the version of what is shown
// here.

import type { DiffItem, RunDiff } from '../../../db/read/run-diffs.ts'
import type { RunDetails } from '../../../db/read/run-summaries.ts'
import type { Judgement } from '../../../db/read/run-times.ts'
import { formatPrice } from '../../../format/format.ts'
import { formatCount, formatQuantity } from '../../../lib/words.ts'
import { html, type Html } from '../html.ts'
import type { User } from '../page.ts'
import { emptyState, figures, panel } from '../parts/blocks.ts'
import { actionForm, reasonField } from '../parts/forms.ts'
import { table } from '../parts/table.ts'

interface Finding {
  readonly what: string
  readonly found: string
  readonly share: number | null
  readonly allowed: number | null
}

export interface Evidence {
  readonly run: RunDetails
  readonly diff: RunDiff
  readonly judged: Judgement | null
  readonly samples: readonly DiffItem[]
  /** The address of the whole list. */
  readonly listAddress: string
}

export function toFindings({ facts, policy }: Judgement): Finding[] {
  const { fetched, expected, products = 0, missing, counts, gated, moved, withdrawn } = facts
  const quarantined = counts.quarantined ?? 0
  return [
    {
      what: 'Records that arrived',
      found:
        expected === null
          ? `${formatCount(fetched)}, announced: unknown`
          : `${formatCount(fetched)} of ${formatCount(expected)} announced`,
      share: expected === null || expected === 0 ? null : fetched / expected,
      allowed: null,
    },
    {
      what: 'Products missing',
      found:
        products === 0
          ? formatCount(missing)
          : `${formatCount(missing)} of ${formatCount(products)}`,
      share: products === 0 ? null : missing / products,
      allowed: policy.removalShare,
    },
    {
      what: 'Records in quarantine',
      found: `${formatCount(quarantined)} of ${formatCount(fetched)}`,
      share: fetched === 0 ? null : quarantined / fetched,
      allowed: policy.quarantineShare,
    },
    {
      what: 'Prices that failed a gate',
      found: formatCount(gated),
      share: null,
      allowed: policy.priceShiftShare,
    },
    {
      what: 'Prices that moved',
      found:
        facts.ratio === null
          ? formatCount(moved)
          : `${formatCount(moved)}, median × ${facts.ratio.toFixed(2)}`,
      share: null,
      allowed: policy.priceShiftShare,
    },
    ...(withdrawn === 0
      ? []
      : [
          {
            what: 'Products that would lose every price',
            found: formatCount(withdrawn),
            share: null,
            allowed: policy.priceShiftShare,
          },
        ]),
  ]
}

export function evidencePanel(evidence: Evidence, user: User): Html {
  const { diff, judged, run } = evidence
  return panel(
    { title: 'Decide', id: 'decide', actions: decisions(evidence, user) },
    html`${figures([
        { label: 'Products removed', value: formatCount(diff.removals) },
        {
          label: 'Prices changed',
          value: formatCount(diff.prices),
          about: `of ${formatQuantity(diff.priceProducts, 'product')}`,
        },
        { label: 'Changes published', value: formatCount(diff.changes) },
        {
          label: 'Prices that stay held',
          value: formatCount(diff.heldPrices),
          about: 'each has its own review',
        },
      ])}
      ${judged === null ? '' : findingsTable(judged)}
      <h3>Effects of an approval</h3>
      ${samplesTable(evidence)}
      <p class="quiet">
        An approval covers version <code>${diff.version}</code>, which this page shows, and no later
        addition. Also:
        <code>shelfsync runs approve ${run.id} --seen ${diff.version}</code>
      </p>`,
  )
}

function findingsTable(judged: Judgement): Html {
  return table({
    caption: 'Findings, and the shares that the policy allows',
    columns: [
      { label: 'What', cell: ({ what }) => what, isHeader: true },
      { label: 'Found', cell: ({ found }) => found },
      {
        label: 'Share',
        kind: 'number',
        cell: ({ share, allowed }) =>
          share === null
            ? '–'
            : allowed !== null && share > allowed
              ? html`<strong class="over">${toShare(share)}</strong>`
              : toShare(share),
      },
      {
        label: 'Allowed',
        kind: 'number',
        cell: ({ allowed }) => (allowed === null ? '–' : toShare(allowed)),
      },
    ],
    rows: toFindings(judged),
    empty: '',
  })
}

function samplesTable({ samples, diff, listAddress }: Evidence): Html {
  const all = diff.removals + diff.prices + diff.heldPrices
  const list = diffTable(samples)
  return html`${list}${
    all > samples.length
      ? html`<p><a href="${listAddress}">All ${formatCount(all)} rows</a></p>`
      : ''
  }`
}

/** The rows of a diff: removals, changed prices, and prices that stay held. */
export function diffTable(items: readonly DiffItem[]): Html {
  return table({
    caption: 'Effects of approving the run',
    columns: [
      { label: 'Change', cell: ({ kind }) => DIFF_KINDS[kind] },
      {
        label: 'Product',
        kind: 'free',
        isHeader: true,
        cell: ({ product, title }) =>
          html`${title ?? product} <span class="quiet">${product}</span>`,
      },
      {
        label: 'Price',
        isMinor: true,
        cell: ({ priceType, variant, product }) =>
          html`${priceType ?? ''}${variant === null || variant === product ? '' : ` of ${variant}`}`,
      },
      {
        label: 'Now',
        kind: 'number',
        cell: ({ before }) => (before === null ? '–' : formatPrice(before)),
      },
      {
        label: 'Then',
        kind: 'number',
        cell: ({ kind, after }) =>
          kind === 'removed'
            ? html`<span class="gone">removed</span>`
            : after === null
              ? '–'
              : formatPrice(after),
      },
      { label: 'Why', isMinor: true, cell: ({ reason }) => reason ?? '' },
    ],
    rows: items,
    empty: emptyState({
      title: 'Nothing would change',
      about: 'Approving the run removes no product and changes no price.',
    }),
  })
}

const DIFF_KINDS = { removed: 'removal', price: 'price', 'held price': 'price stays held' } as const

function decisions({ run, diff }: Evidence, user: User): Html {
  const effect = `${formatQuantity(diff.removals, 'product')} removed, ${formatQuantity(diff.prices, 'price')} changed`
  return html`${actionForm({
    user,
    action: `/runs/${run.id}/approve`,
    label: 'Approve',
    tone: 'main',
    icon: 'check',
    values: { version: diff.version },
    confirm: {
      question: `Approve run ${run.id}?`,
      detail: html`<p>${effect}, at once. It cannot be undone.</p>`,
      label: 'Approve what is shown',
    },
    fields: reasonField(),
  })}${actionForm({
    user,
    action: `/runs/${run.id}/reject`,
    label: 'Reject',
    tone: 'danger',
    icon: 'cross',
    confirm: {
      question: `Reject run ${run.id}?`,
      detail: html`<p>
        Discards ${formatQuantity(diff.removals, 'removal')} and
        ${formatQuantity(diff.prices, 'changed price')}. The catalogue stays as it is.
      </p>`,
      label: 'Reject',
    },
    fields: reasonField(),
  })}`
}

function toShare(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`
}

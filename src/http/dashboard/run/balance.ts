// The ledger of a run as a balance: the archived lines on one side, and their outcomes on the
// other. Each line has exactly one outcome, so a difference means that something was lost or
// counted twice.

import { countLines, OUTCOMES, type Outcome } from '../../../core/ledger.ts'
import type { RunSummary } from '../../../db/read/run-summaries.ts'
import { formatCount, formatQuantity } from '../../../lib/words.ts'
import { html, type Html } from '../html.ts'
import { legend } from '../parts/charts.ts'

const WIDTH = 1000
const HEIGHT = 22

/** Outcomes in the words of a person, with what each means. */
const MEANINGS: Readonly<Record<Outcome, string>> = {
  created: 'new products',
  updated: 'products that changed',
  unchanged: 'lines that say what is known',
  older: 'lines older than what is known',
  duplicate: 'further lines of a product',
  blank: 'empty lines',
  quarantined: 'records that could not be read',
  held: 'records with a value that waits for a decision',
}

export type BalancedRun = Pick<
  RunSummary,
  'state' | 'fetched' | 'fetchedAll' | 'outcomes' | 'expected' | 'ledger' | 'removed' | 'options'
>

export interface Balance {
  readonly archived: number
  readonly accounted: number
  readonly difference: number
  readonly outcomes: readonly { readonly outcome: Outcome; readonly lines: number }[]
  /** Lines may still be applied. */
  readonly isOpen: boolean
}

export function toBalance({ fetched, outcomes, ledger, state }: BalancedRun): Balance {
  const accounted = countLines(outcomes)
  return {
    archived: fetched,
    accounted,
    difference: fetched - accounted,
    outcomes: OUTCOMES.map((outcome) => ({ outcome, lines: outcomes[outcome] })).filter(
      ({ lines }) => lines > 0,
    ),
    isOpen: ledger === null && ['running', 'interrupted', 'fetched'].includes(state),
  }
}

export function balanceChart(run: BalancedRun): Html {
  const { archived, accounted, difference, outcomes, isOpen } = toBalance(run)
  if (archived === 0 && accounted === 0)
    return html`<p class="quiet">No line is archived${isOpen ? ' yet' : ''}.</p>`
  const scale = WIDTH / Math.max(archived, accounted)
  let x = 0
  const bars = outcomes.map(({ outcome, lines }) => {
    const width = lines * scale
    const rect = html`<rect
      class="outcome-${outcome}"
      x="${x.toFixed(1)}"
      y="0"
      width="${Math.max(width, 1.5).toFixed(1)}"
      height="${HEIGHT}"
      ><title>${formatCount(lines)} ${outcome}: ${MEANINGS[outcome]}</title></rect
    >`
    x += width
    return rect
  })
  return html`<figure class="balance">
    <div class="balance-side">
      <span>Archived</span>
      <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
        <rect
          class="outcome-archived"
          width="${(archived * scale).toFixed(1)}"
          height="${HEIGHT}"
        />
      </svg>
      <span class="number">${formatCount(archived)}</span>
    </div>
    <div class="balance-side">
      <span>Outcomes</span>
      <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
        ${bars}
      </svg>
      <span class="number">${formatCount(accounted)}</span>
    </div>
    ${legend(
      outcomes.map(({ outcome, lines }) => ({
        mark: `outcome-${outcome}`,
        label: html`<span class="number">${formatCount(lines)}</span> ${outcome}
          <span class="quiet">${MEANINGS[outcome]}</span>`,
      })),
    )}
    <figcaption>${describe(run, difference, isOpen)}</figcaption>
  </figure>`
}

function describe(
  { expected, ledger, removed, fetched }: BalancedRun,
  off: number,
  isOpen: boolean,
) {
  const said =
    expected === null
      ? ''
      : expected === fetched
        ? ` The supplier announced ${formatQuantity(expected, 'record')}, and all arrived.`
        : ` The supplier announced ${formatQuantity(expected, 'record')}: ${formatCount(Math.abs(expected - fetched))} ${fetched < expected ? 'fewer' : 'more'} arrived.`
  const products =
    ledger === null
      ? ''
      : ` ${formatQuantity(removed, 'product')} removed, ${formatCount(ledger.missing)} missing.`
  if (off === 0)
    return html`<strong class="balanced">Balanced.</strong> Every archived line has one
      outcome.${said}${products}`
  if (isOpen && off > 0) return html`<strong>${formatQuantity(off, 'line')} to go.</strong>${said}`
  return html`<strong class="unbalanced">Off by ${formatQuantity(Math.abs(off), 'line')}.</strong>
    ${off > 0 ? 'Lines have no outcome' : 'Lines have more than one outcome'}: such a run does not
    succeed.${said}${products}`
}

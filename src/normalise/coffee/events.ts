// Events that a title or an option names: goods that are sold by date, and tastings in a city.

import type { Evidence } from '../finding.ts'
import { compileLexicon, findPhrases } from '../lexicon.ts'
import { findQuantities } from '../quantities.ts'
import type { Token } from '../tokens.ts'

/** Months, for titles that are dates: a variant that is a date is an event. */
const MONTHS = compileLexicon([
  [
    true,
    `
      january | february | march | april | may | june | july | august | september | october |
      november | december | jan | feb | mar | apr | jun | jul | aug | sep | sept | oct | nov |
      dec
    `,
  ],
])

/** Words that name an event beside a city or in a question; false for goods with such a word. */
const EVENTS = compileLexicon<boolean>([
  [true, 'tasting | cupping | brewing | brew along | latte art | meetup'],
  [
    false,
    `
      tasting set | tasting kit | tasting pack | tasting box | tasting notes | cupping set |
      cupping bowl | cupping spoon | brewing kit | brewing set
    `,
  ],
])

/** Cities where roasters give courses; no coffee grows there. */
const CITIES = compileLexicon([
  [
    true,
    `
      mumbai | delhi | new delhi | gurgaon | gurugram | noida | bangalore | bengaluru | hyderabad |
      chennai | pune | kolkata | jaipur | ahmedabad | london | berlin | paris | amsterdam |
      new york | nyc | los angeles | chicago | melbourne | sydney | tokyo | seoul | singapore |
      dubai | warszawa | warsaw | krakow
    `,
  ],
])

/** Finds a date: goods that are sold by date are events. */
export function findDate(tokens: readonly Token[]): Evidence | null {
  const date = findPhrases(tokens, MONTHS).find(
    ({ from, to }) => isDay(tokens, from - 1) || isDay(tokens, to),
  )
  return date ? { ...date, rule: 'kind/date', confidence: 0.8 } : null
}

/** The day beside a month: `8th April`, `March 29`. */
function isDay(tokens: readonly Token[], at: number): boolean {
  const token = tokens[at]?.kind === 'number' ? tokens[at] : tokens[at - 1]
  return token?.kind === 'number' && Number(token.text) >= 1 && Number(token.text) <= 31
}

/**
 * `Coffee Tasting (Delhi)`, `Are You Tasting Your Coffee?`: a word for an event needs a city or a
 * question. A city alone is where a coffee is sold.
 */
export function findNamedEvent(tokens: readonly Token[]): Evidence | null {
  const event = findPhrases(tokens, EVENTS).find(({ value }) => value)
  const isEvent = event && (tokens.at(-1)?.text === '?' || endsWithCity(tokens))
  return isEvent && findQuantities(tokens).length === 0
    ? { ...event, rule: 'kind/event', confidence: 0.6 }
    : null
}

/** `… (Delhi)`. */
function endsWithCity(tokens: readonly Token[]): boolean {
  const end = tokens.length - 1
  const [city] = findPhrases(tokens, CITIES, { from: Math.max(0, end - 3), to: end })
  return city?.to === end && tokens[city.from - 1]?.text === '(' && tokens[end]?.text === ')'
}

// The sentence of a rule: `always accept prices that rise by at most 60 %`.

import type { ReviewRule } from '../db/review-rules.ts'

export function describeRule(rule: ReviewRule): string {
  const verb = rule.decision === 'approve' ? 'always accept' : 'never accept'
  switch (rule.kind) {
    case 'price':
      return `${verb} ${describePrices(rule)}`
    case 'proposal':
      return `${verb} proposals for ${rule.field}`
    case 'disagreement':
      return 'keep the price before when a supplier states different ones'
    case 'record':
      return `ignore records with the fault ${rule.fault}`
  }
}

function describePrices({
  zero,
  changeMax,
  direction,
}: Extract<ReviewRule, { kind: 'price' }>): string {
  if (zero === true) return 'a price of zero'
  const verb = { rise: 'rise', fall: 'fall', any: 'change' }[direction ?? 'any']
  return `prices that ${verb}${changeMax === undefined ? '' : ` by at most ${changeMax} %`}`
}

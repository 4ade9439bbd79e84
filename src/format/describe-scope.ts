// The scope of a webhook as text.

import type { Webhook } from '../db/read/webhooks.ts'

/** `repriced of my-shop`, `rules (2)`. */
export function describeScope({
  getsChanges,
  kinds,
  sources,
  rules,
}: Pick<Webhook, 'getsChanges' | 'kinds' | 'sources' | 'rules'>): string {
  const ofRules = rules === 0 ? '' : `rules (${rules})`
  if (!getsChanges) return ofRules === '' ? 'rules (none)' : ofRules
  const changes = kinds === null ? 'changes' : kinds.join(', ')
  const of = sources === null ? '' : ` of ${sources.join(', ')}`
  return [`${changes}${of}`, ...(ofRules === '' ? [] : [ofRules])].join(' + ')
}

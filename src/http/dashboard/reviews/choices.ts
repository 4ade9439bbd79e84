// The choices about a review that waits: the labels of their buttons, and their effects.

import type { QueuedReview } from '../../../db/read/review-queue.ts'
import type { ReviewKind } from '../../../db/read/reviews.ts'
import { formatPrice } from '../../../format/format.ts'

/** A held run is decided on its own page. */
export type DecidableKind = Exclude<ReviewKind, 'run'>

/** The effects of an approval and of a rejection. */
export const EFFECTS: Readonly<
  Record<DecidableKind, { readonly approve: string; readonly reject: string }>
> = {
  price: { approve: 'the held price becomes current', reject: 'the price before stays' },
  disagreement: { approve: 'the first claim becomes the price', reject: 'the price before stays' },
  proposal: { approve: 'the value is shown with the product', reject: 'the field stays empty' },
  record: {
    approve: 'every run tries it again',
    reject: 'this record and later ones with the same fault are ignored',
  },
}

type Waiting = Pick<QueuedReview, 'kind' | 'detail'>

interface Approval {
  /** The claim of a disagreement, from 1; null for the other kinds. */
  readonly claim: number | null
  readonly label: string
}

/** Returns none once the licence of its content has ended. */
export function listApprovals({ kind, detail }: Waiting): Approval[] {
  if (detail.expired === true) return []
  if (kind === 'disagreement')
    return (detail.claims ?? []).map((claim, index) => ({
      claim: index + 1,
      label: `Accept ${formatPrice(claim)}`,
    }))
  return [{ claim: null, label: kind === 'record' ? 'Try again' : 'Approve' }]
}

export function nameRejection({ kind }: Waiting): string {
  return kind === 'record' ? 'Ignore' : 'Reject'
}

export function isEditable({ kind, detail }: Waiting): boolean {
  return detail.expired !== true && kind !== 'record' && kind !== 'run'
}

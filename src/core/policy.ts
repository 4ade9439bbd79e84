// Limits within which a run needs no decision of the operator. Stored with the source; absent
// members have these defaults.

import { z } from 'zod'

const share = z.number().min(0).max(1)
const factor = z.number().gt(1)

export const Policy = z.strictObject({
  removalShare: share
    .default(0.15)
    .describe(
      'Largest share of the products that may be missing from a complete run (one product always may).',
    ),
  quarantineShare: share
    .default(0.01)
    .describe('Largest share of the records that may be in quarantine.'),
  priceFactor: factor.default(10).describe('A price that rises or falls by this factor is held.'),
  priceShiftShare: share
    .default(0.25)
    .describe('A run that moves more than this share of all prices together is held …'),
  priceShiftFactor: factor.default(1.25).describe('… when their median moves by this factor.'),
  allowEmpty: z
    .boolean()
    .default(false)
    .describe('Allows a full run without any record to be green.'),
})

export type Policy = z.infer<typeof Policy>

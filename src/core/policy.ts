// The limits of a source, within which a run settles without a decision of the operator. Absent
// members have these defaults, or those of its connector.

import { z } from 'zod'

const share = z.number().min(0).max(1)
const factor = z.number().gt(1)

export const Policy = z.strictObject({
  removalShare: share
    .default(0.15)
    .describe(
      'Maximum share of the products that may be missing from a complete run. One missing product is always allowed.',
    ),
  quarantineShare: share
    .default(0.01)
    .describe('Maximum share of the records that may be quarantined.'),
  priceFactor: factor.default(10).describe('A price that rises or falls by this factor is held.'),
  priceShiftShare: share
    .default(0.25)
    .describe(
      'A run is held when it changes more than this share of all prices and their median change reaches priceShiftFactor.',
    ),
  priceShiftFactor: factor
    .default(1.25)
    .describe('The median change, up or down, at which such a run is held. See priceShiftShare.'),
  allowEmpty: z
    .boolean()
    .default(false)
    .describe('Allows a full run without any record to be green.'),
  storeImages: z
    .boolean()
    .default(true)
    .describe(
      'Allows images to be stored where IMAGES says. False for a supplier whose licence forbids it: its images are linked, and never fetched.',
    ),
  keepPriceHistory: z
    .boolean()
    .default(true)
    .describe(
      'Keeps earlier prices. False for a supplier whose licence forbids a history of prices: each variant keeps its current price only. If you set true for such a supplier, you state that you may keep them.',
    ),
  expiresAfterHours: z
    .number()
    .positive()
    .max(24 * 366)
    .nullable()
    .default(null)
    .describe(
      'Hours after its request at which content of the supplier expires: it is hidden at once, and then removed everywhere, with its archive. Null: it does not expire. If you set another value than that of the connector, you state that the licence allows it.',
    ),
  enrich: z
    .boolean()
    .default(false)
    .describe('Asks the language model of LLM_URL about fields that the rules left empty.'),
  acceptProposals: share
    .optional()
    .describe(
      'Proposals of the language model with at least this confidence are approved at once. By default each waits for a person.',
    ),
})

export type Policy = z.infer<typeof Policy>

// The settings of a source of example-supplier.

import { z } from 'zod'

export const ExampleSupplierSettings = z.strictObject({
  /** The address of the catalogue. */
  url: z
    .url({ protocol: /^https?$/, error: 'must be an http or https address' })
    .refine((url) => URL.parse(url)?.password === '', 'must not contain a password'),
  /** ISO 4217. The supplier does not send it. */
  currency: z.string().regex(/^[A-Z]{3}$/, 'must be a currency code such as EUR'),
})
export type ExampleSupplierSettings = z.infer<typeof ExampleSupplierSettings>

// Writes docs/product.schema.json, the canonical product as JSON Schema.

import { z } from 'zod'
import { DraftSchema } from '../src/core/product-schema.ts'
import { writeGenerated } from './support/generated.ts'

const schema = {
  title: 'Product',
  description:
    'What every connector makes of a record. Unknown is null, never a default; names that end in Ms are epoch milliseconds.',
  ...z.toJSONSchema(DraftSchema, {
    target: 'draft-2020-12',
    // True of the type; to JSON Schema it would mean that writers may not send it.
    override: ({ jsonSchema }) => void delete jsonSchema.readOnly,
  }),
}

await writeGenerated({ 'docs/product.schema.json': `${JSON.stringify(schema, null, 2)}\n` })

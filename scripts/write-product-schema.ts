// Writes docs/product.schema.json, the canonical product as JSON Schema.

import { z } from 'zod'
import { DraftSchema } from '../src/core/product-schema.ts'
import { writeGenerated } from './support/generated.ts'

const schema = {
  title: 'Product',
  description:
    'A product as every connector returns it. An unknown value is null, never a default. Names that end in Ms are epoch milliseconds.',
  ...z.toJSONSchema(DraftSchema, {
    target: 'draft-2020-12',
    // In the type it means immutable; in JSON Schema it would mean that writers may not send the member.
    override: ({ jsonSchema }) => void delete jsonSchema.readOnly,
  }),
}

await writeGenerated({ 'docs/product.schema.json': `${JSON.stringify(schema, null, 2)}\n` })

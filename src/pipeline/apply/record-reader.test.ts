import assert from 'node:assert/strict'
import { test } from 'node:test'
import { medipim } from '../../connectors/medipim/connector.ts'
import { readRecord } from './record-reader.ts'

const context = {
  connector: medipim,
  settings: medipim.settings.parse({ apiUrl: 'https://api.au.medipim.com', market: 'au' }),
  applyOptions: null,
  redact: (text: string) => text,
}

const read = (text: string) => {
  const line = Buffer.from(text)
  return readRecord(context, { lineNo: 1, byteOffset: 0, line, scan: null, hash: null })
}

test('the record of a line in an unusual form is kept as it was written', () => {
  const record =
    '{ "id": "1", "weight":1.50e+2, "n":10000000000000000001, "n":0.10, "name":{"en":"\\u00e9\\/"} }'
  for (const line of [
    `{"meta":{"total":1,"index":0}, "results" : [ ${record} ]}`,
    ` { "result" :${record},"meta":{"total":1,"index":0}} `,
    `{"results":1,"results":[${record}]}`,
  ]) {
    const { raw, draft } = read(line)
    assert.equal(String(raw), record, line)
    assert.equal(draft.title, 'é/')
  }
})

test('a record that Postgres could not read is written again from its values', () => {
  const { raw, draft } = read('{"result":{"id":"1","name":{"en":"a\\u0000b"},"weight":1.50}}')
  assert.equal(raw, '{"id":"1","name":{"en":"a\ufffdb"},"weight":1.5}')
  assert.match(draft.warnings.join(), /1 texts had U\+0000/)
})

test('a record that is nested too deeply for jsonb is refused', () => {
  const nested = (levels: number): string =>
    `{"result":{"id":"1","extra":${'['.repeat(levels)}"]"${']'.repeat(levels)}}}`
  assert.equal(read(nested(4_998)).draft.externalId, '1')
  assert.throws(() => read(nested(4_999)), /nested too deeply: it has 5001 levels/)
})

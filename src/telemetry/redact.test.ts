import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createRedactor } from './redact.ts'

const redact = createRedactor([])

test('a known secret is redacted in every encoding', () => {
  const secret = 'p@ss/wörd "x"\\&+ ='
  const hide = createRedactor([secret])
  const spellings = {
    plain: secret,
    url: encodeURIComponent(secret),
    lower: encodeURIComponent(secret).replace(/%../g, (code) => code.toLowerCase()),
    form: new URLSearchParams({ q: secret }).toString(),
    base64: Buffer.from(secret).toString('base64'),
    base64url: Buffer.from(secret).toString('base64url'),
    json: JSON.stringify(secret),
    jsonInJson: JSON.stringify(JSON.stringify({ a: secret })),
  }
  for (const [name, spelling] of Object.entries(spellings)) {
    const hidden = hide(`before ${spelling} after`)
    assert.match(hidden, /^before .*\[redacted\].* after$/, name)
    assert.ok(!/p@ss|wörd|cEBzcy/.test(hidden), `${name}: ${hidden}`)
  }
})

test('the Basic encoding of id:secret is redacted', () => {
  assert.equal(createRedactor(['id:secret'])('sent aWQ6c2VjcmV0!'), 'sent [redacted]!')
})

test('a secret that begins with another is redacted completely', () => {
  assert.equal(
    createRedactor(['abcdef', 'abcdefghij'])('abcdefghij abcdef'),
    '[redacted] [redacted]',
  )
})

test('text in the form of a secret is replaced by a mark', () => {
  const cases = [
    ['Authorization: Basic aWQ6c2VjcmV0', 'Authorization: [redacted]'],
    ['sent Basic aWQ6c2VjcmV0 to it', 'sent Basic [redacted] to it'],
    ['with Bearer abcdefgh.ijk', 'with Bearer [redacted]'],
    ['key sb_secret_AbC-12_x.', 'key [redacted].'],
    ['key sb_temp_AbC-12_x, sbp_0a1b2c', 'key [redacted], [redacted]'],
    ['key sb_publishable_AbC', 'key sb_publishable_AbC'],
    ['jwt eyJhbGciOi.eyJpc3Mi.c2ln', 'jwt [redacted]'],
    ['jwt eyJhbGciOi.eyJpc3Mi', 'jwt [redacted]'],
    [
      'at postgres://user:p%40ss@db.example:5432/x?y',
      'at postgres://[redacted]@db.example:5432/x?y',
    ],
    ['at postgresql://user:p@ss@db.example/x', 'at postgresql://[redacted]@db.example/x'],
    [
      'GET https://a.example/x?page=2&token=abc&mac=d%3De&limit=3',
      'GET https://a.example/x?page=2&token=[redacted]&mac=[redacted]&limit=3',
    ],
    [
      '?consumer_key=ck_1&consumer_secret=cs_2#f',
      '?consumer_key=[redacted]&consumer_secret=[redacted]#f',
    ],
    ['{"api_key": "abc", "n": 1}', '{"api_key": "[redacted]", "n": 1}'],
    [
      String.raw`{\"access_token\":\"abc\",\"n\":1}`,
      String.raw`{\"access_token\":\"[redacted]\",\"n\":1}`,
    ],
    ["{ password: 'abc', n: 1 }", "{ password: '[redacted]', n: 1 }"],
    ['Cookie: a=b; c=d\r\nAccept: x', 'Cookie: [redacted]\r\nAccept: x'],
    ['X-ADMIN-KEY: abc', 'X-ADMIN-KEY: [redacted]'],
    ['MEDIPIM_API_KEY=id:secrets', 'MEDIPIM_API_KEY=[redacted]'],
    ['MEDIPIM_API_KEY=42:secret', 'MEDIPIM_API_KEY=[redacted]'],
  ] as const
  for (const [text, hidden] of cases) assert.equal(redact(text), hidden)
})

test('ordinary text stays unchanged', () => {
  for (const text of [
    'Check the key: its id, its secret, and that the supplier has not revoked it.',
    'Basic authentication failed for https://shop.example/@team/x?page=2',
    'run 7 of medipim-au: 20000 products, 5.6 KB each, person@example.com asked',
    'No response from shop.example:8080: it refuses the connection (ECONNREFUSED)',
    'Set both (or MEDIPIM_API_KEY=id:secret), such as MEDIPIM_API_KEY=your-key-id:your-key-secret',
    'MEDIPIM_API_KEY_ID=… MEDIPIM_API_KEY_SECRET=… npx shelfsync add medipim',
    'curl -H "X-ADMIN-KEY: $READ_KEY" http://127.0.0.1:3000/api/v1/products',
    '{"run":7,"source":"shop","ledger":{"fetched":20}}',
  ])
    assert.equal(redact(text), text)
})

test('values too short to be a secret are not redacted', () => {
  assert.equal(createRedactor(['', 'a', 'abc'])('a bc abc'), 'a bc abc')
})

test('a secret is redacted in any surrounding text, and redacting twice changes nothing more', () => {
  const secrets = fc
    .string({ minLength: 6, maxLength: 40, unit: 'grapheme' })
    .filter((secret) => !'[redacted]'.includes(secret))
  fc.assert(
    fc.property(secrets, fc.string(), fc.string(), (secret, before, after) => {
      const hide = createRedactor([secret])
      const once = hide(before + secret + after)
      assert.ok(!once.includes(secret))
      assert.equal(hide(once), once)
    }),
  )
})

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { createSigningSecret, parseSigningSecrets, signMessage } from './webhook-message.ts'

const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)
const content = { id: 'msg_loFOjxBNrRLzqYUf', timestamp: 1_731_705_121, body: '{"event":"ping"}' }

test('a message has one signature for each secret, so that a receiver can change its secret at any time', async () => {
  const secrets = [createSigningSecret(), createSigningSecret()]
  const parsed = parseSigningSecrets(secrets.join(' ')) ?? []
  const expected = secrets.map((secret) => {
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
    const signed = `${content.id}.${content.timestamp}.${content.body}`
    return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
  })
  assert.equal(await signMessage(parsed, content), expected.join(' '))
})

test('the id, the time and every byte of the body are signed', async () => {
  const secret = [encode('a secret of at least 24 bytes')]
  const changes = [{ id: 'msg_2' }, { timestamp: 1_731_705_122 }, { body: '{"event":"pinG"}' }]
  const signatures = await Promise.all(
    [{}, ...changes].map((change) => signMessage(secret, { ...content, ...change })),
  )
  assert.equal(new Set(signatures).size, 4)
})

test('the code of docs/webhooks.md accepts each secret of a rotation, and refuses other times, bodies and secrets', async () => {
  const page = await readFile(new URL('../../docs/webhooks.md', import.meta.url), 'utf8')
  const [, block = ''] = /```js\n([\s\S]*?)```/.exec(page) ?? []
  const { isGenuine } = await import(`data:text/javascript,${encodeURIComponent(block)}`)
  const [former, next, other] = [1, 2, 3].map(createSigningSecret)
  const signature = await signMessage(parseSigningSecrets(`${next} ${former}`) ?? [], content)
  const headers = {
    'webhook-id': content.id,
    'webhook-timestamp': String(content.timestamp),
    'webhook-signature': signature,
  }
  const now = content.timestamp
  const check = (secret: string | undefined, body = content.body, at = now, given = headers) =>
    isGenuine(given, body, secret, at)
  assert.deepEqual([check(former), check(next), check(other)], [true, true, false])
  assert.equal(check(next, '{"event":"pinG"}'), false)
  assert.deepEqual(
    [check(next, content.body, now + 301), check(next, content.body, now - 301)],
    [false, false],
  )
  assert.equal(check(next, content.body, now, { ...headers, 'webhook-timestamp': 'never' }), false)
})

test('one or two secrets of 24 to 64 bytes are valid', () => {
  const secret = (bytes: number): string => `whsec_${Buffer.alloc(bytes, 7).toString('base64')}`
  for (const valid of [secret(24), secret(64), `${secret(32)}  ${secret(33)}`])
    assert.notEqual(parseSigningSecrets(valid), null, valid)
  const three = Array(3).fill(secret(32)).join(' ')
  for (const invalid of ['', 'whsec_', secret(23), secret(65), secret(32).slice(6), three])
    assert.equal(parseSigningSecrets(invalid), null, invalid)
})

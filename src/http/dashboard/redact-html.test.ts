import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRedactor } from '../../telemetry/redact.ts'
import { html } from './html.ts'
import { redactHtml } from './redact-html.ts'

const SECRET = `p&s"w<o>r'd-1234`
const redact = createRedactor([SECRET])

test('a secret is redacted in texts and attributes, with any characters', () => {
  const page = html`<p title="${SECRET}">It was ${SECRET}.</p>`
  assert.equal(redactHtml(String(page), redact), '<p title="[redacted]">It was [redacted].</p>')
})

test('a text in the shape of a secret takes no tag along', () => {
  const page = html`<dd>token: abc def</dd>
    <dd class="x">${'{"password":"a<b"}'}</dd>`
  assert.equal(
    redactHtml(String(page), redact).replaceAll(/>\s+</g, '><'),
    '<dd>token: [redacted]</dd><dd class="x">{&quot;password&quot;:&quot;[redacted]&quot;}</dd>',
  )
})

test('a page without secrets is not changed', () => {
  const page = String(
    html`<a href="/x?a=1&amp;b=2" title="${`"it's"`}">${'<b> & "c"'}</a><!--live:x--><br />`,
  )
  assert.equal(redactHtml(page, redact), page)
})

test('controls and marks of direction in a text are shown as escapes', () => {
  const page = html`<b title="${'\u202Ex'}">${'a\u001B[31m'}</b>`
  assert.equal(redactHtml(String(page), redact), String.raw`<b title="\u202ex">a\u001b[31m</b>`)
})

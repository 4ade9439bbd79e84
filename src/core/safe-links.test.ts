import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSafeLink } from './safe-links.ts'

const HOSTILE = [
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  ' javascript:alert(1)',
  '\u0001javascript:alert(1)',
  'java\nscript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'vbscript:msgbox(1)',
  'file:///etc/passwd',
  'blob:https://shop.example/1',
  'mailto:someone@shop.example',
  '//shop.example/p',
  '/products/p',
  'https:/shop.example',
  'https://',
  'https://shop.example@evil.example/',
  'https://user:secret@shop.example/',
  'https://shop.example\\@evil.example/',
  'https://shop.example/\u001b]8;;',
  'https://shop.example/\u202egpj.exe',
  'https://shop.example/a\r\nSet-Cookie: a=b',
  'https://shop.example/\u0000',
  '',
]

test('links that run scripts, hide their target or hold credentials are not safe to show', () => {
  for (const url of HOSTILE) assert.equal(isSafeLink(url), false, JSON.stringify(url))
})

test('addresses of the web are safe to show', () => {
  for (const url of [
    'https://shop.example',
    'http://shop.example:8080/a?b=c@d#e',
    'HTTPS://cdn.shop.example/files/My photo (1).jpg?v=1',
    'https://xn--bcher-kva.example/ü',
    'https://shop.example?x',
    'https://[2001:db8::1]/a',
  ])
    assert.equal(isSafeLink(url), true, url)
})

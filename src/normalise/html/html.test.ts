// Descriptions of shops become text and Markdown that are harmless to show.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { htmlToMarkdown, toSafeLink } from './html-to-markdown.ts'
import { htmlToText } from './html-to-text.ts'

const BODY = `<meta charset="utf-8"><h2>Our <b>house</b> blend</h2>
<p data-x="1">Notes of caf&eacute;&nbsp;&amp; cocoa.<br>Roasted <a href="/pages/how">here</a>.</p>
<ul><li>250&nbsp;g</li><li>1 kg<ol><li>inner</li></ol></li></ul>
<script>alert(1)</script><style>p{}</style><table><tr><td>A</td><td>B</td></tr></table>`

test('text has paragraphs, lines and items, without markup, scripts and styles', () => {
  assert.equal(
    htmlToText(BODY),
    'Our house blend\n\nNotes of café & cocoa.\nRoasted here.\n\n250 g\n1 kg\n\ninner\n\nA B',
  )
})

test('Markdown has headings, lists, emphasis and absolute links', () => {
  assert.equal(
    htmlToMarkdown(BODY, 'https://shop.example/products/x'),
    [
      '## Our **house** blend',
      'Notes of café \\& cocoa.\nRoasted [here](https://shop.example/pages/how).',
      '- 250 g\n- 1 kg\n  1. inner',
      'A B',
    ].join('\n\n'),
  )
})

test('a link is shown only if it cannot run code or hide its host', () => {
  assert.equal(toSafeLink(' https://shop.example/a b(1) '), 'https://shop.example/a%20b%281%29')
  assert.equal(toSafeLink('mailto:a@shop.example'), 'mailto:a@shop.example')
  for (const href of [
    'javascript:alert(1)',
    'java\nscript:alert(1)',
    ' \u0001javascript:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    'https://shop.example@evil.example/',
    '/relative',
    '',
  ])
    assert.equal(toSafeLink(href), null, href)
  assert.equal(htmlToMarkdown('<a href="javascript:alert(1)">free</a>'), 'free')
})

test('text that looks like markup stays text', () => {
  assert.equal(
    htmlToMarkdown('<p>&lt;img src=x onerror=alert(1)&gt; [x](javascript:y) *z* `c`</p>'),
    String.raw`\<img src=x onerror=alert(1)\> \[x\](javascript:y) \*z\* \`c\``,
  )
  assert.equal(
    htmlToMarkdown('<p># no heading</p><p>1. no list</p>'),
    '\\# no heading\n\n1\\. no list',
  )
})

test('unclosed, crossed and empty elements leave balanced Markdown', () => {
  assert.equal(htmlToMarkdown('<b>bold<p>next</b> words'), '**bold**\n\nnext words')
  assert.equal(htmlToMarkdown('a <i></i><b> </b>z'), 'a z')
  assert.equal(
    htmlToMarkdown('<a href="https://a.example">one <a href="https://b.example">two</a></a>'),
    '[one two](https://a.example/)',
  )
})

test('no tag of the input survives, and clean text stays the same', () => {
  const pieces = fc.constantFrom(
    '<b>',
    '</b>',
    '<p',
    '<a href=',
    '"',
    "'",
    '>',
    '&lt;',
    '&amp;',
    ' x ',
    '\n',
    '<!--',
    '-->',
    '<script>',
    '</script>',
    '<![CDATA[',
    ']]>',
    'é',
    '🎉',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
      const html = parts.join('')
      const text = htmlToText(html)
      assert.equal(text, text.trim())
      assert.doesNotMatch(text, / {2}|\n{3}/)
      const plain = text.replaceAll(/[<&]/g, ' ').replaceAll(/\s+/g, ' ').trim()
      assert.equal(htmlToText(plain), plain)
      assert.doesNotMatch(htmlToMarkdown(html).replaceAll(/\\./gs, ''), /[<>]/)
    }),
  )
})

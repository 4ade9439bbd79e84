// Tests the rules of RFC 9309, most of them with the examples of the RFC.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matchesPattern, parseRobots, toMatcher } from './robots.ts'

function allows(text: string, path: string): boolean {
  return parseRobots(text).allows(new URL(path, 'https://shop.example'))
}

test('the group of this program wins over the one of all programs, and equal groups are merged', () => {
  const text = `
User-Agent: *
Disallow: /

User-agent: otherbot
User-agent: Shelfsync/1.0
Disallow: /cart
Sitemap: https://shop.example/a.xml

user-agent: SHELFSYNC
disallow: /account # not for visitors
`
  assert.equal(allows(text, '/products/a'), true)
  assert.equal(allows(text, '/cart/1'), false)
  assert.equal(allows(text, '/account'), false)
  assert.equal(allows(text.replaceAll(/shelfsync/gi, 'third'), '/products/a'), false)
  assert.deepEqual(parseRobots(text).sitemaps, ['https://shop.example/a.xml'])
})

test('the longest rule decides, and of two with the same length the one that allows', () => {
  const text = 'User-agent: *\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n'
  assert.equal(allows(text, '/example/page/x'), true)
  assert.equal(allows(text, '/example/page/disallowed.gif'), false)
  assert.equal(allows('User-agent: *\nDisallow: /a\nAllow: /a', '/a'), true)
  assert.equal(allows('User-agent: *\nDisallow:', '/a'), true)
  assert.equal(allows('User-agent: *\nDisallow: /', '/robots.txt'), true)
})

test('`*` stands for any text and `$` for the end', () => {
  for (const [pattern, path, matches] of [
    ['/*.json', '/products.json?x=1', true],
    ['/*.json$', '/products.json?x=1', false],
    ['/*.json$', '/a/b.json', true],
    ['/fish*', '/fishheads/yummy.html', true],
    ['/fish*.php', '/fishheads/catfish.php?id=2', true],
    ['/*/x/*/y', '/a/x/b/c/y', true],
    ['/*/x/*/y', '/a/x/y', false],
    ['/$', '/', true],
    ['/$', '/a', false],
    ['/a*b$', '/ab', true],
    ['/ab*b$', '/ab', false],
    ['*?variant=', '/p?variant=1', true],
  ] as const)
    assert.equal(matchesPattern(pattern, path), matches, `${pattern} and ${path}`)
})

test('characters are compared in one spelling', () => {
  assert.equal(allows('User-agent: *\nDisallow: /caf%c3%a9', '/café/x'), false)
  assert.equal(allows('User-agent: *\nDisallow: /café', '/caf%C3%A9'), false)
  assert.equal(allows('User-agent: *\nDisallow: /%61b', '/ab'), false)
  assert.equal(allows('User-agent: *\nDisallow: /a%2Fb', '/a/b'), true)
  const matches = toMatcher(['/caf%C3%A9/*'])
  for (const path of ['/caf%c3%a9/x', '/café/x', '/c%61f%C3%A9/x'])
    assert.equal(matches(new URL(path, 'https://shop.example')), true, path)
})

test('the crawl delay is read from the group that applies, and is limited to 10 minutes', () => {
  assert.equal(parseRobots('User-agent: *\nCrawl-delay: 2.5').crawlDelayMs, 2_500)
  assert.equal(parseRobots('User-agent: *\nCrawl-delay: 99999').crawlDelayMs, 600_000)
  assert.equal(parseRobots('User-agent: other\nCrawl-delay: 5').crawlDelayMs, null)
})

test('a crawl delay between user agents begins a new group', () => {
  const text = 'User-agent: a\nCrawl-delay: 5\nUser-agent: shelfsync\nDisallow: /x'
  assert.deepEqual([parseRobots(text).crawlDelayMs, allows(text, '/x')], [null, false])
})

test('long runs of spaces are read in linear time', { timeout: 60_000 }, () => {
  const spaces = ' '.repeat(100_000)
  const text = `User-agent: *\nDisallow:${spaces}/a #${spaces}\u2028\nDisallow: /b${spaces}c\n`
  assert.equal(allows(text, '/a'), false)
  assert.equal(allows(text, '/b'), true)
})

test('a page, a file without groups and hostile patterns do no harm', () => {
  assert.equal(allows('<!doctype html><p>Disallow: /</p>', '/a'), true)
  assert.equal(allows('Disallow: /', '/a'), true)
  const stars = `User-agent: *\nDisallow: /${'*a'.repeat(900)}$\n`
  assert.equal(allows(stars, `/${'a'.repeat(1_900)}b`), true)
  const many = `User-agent: *\n${'Disallow: /x\n'.repeat(5_001)}`
  assert.equal(allows(many, '/a'), false)
})

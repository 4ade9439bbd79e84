// The response of `add` to sites that cannot be read names the reason.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { listen } from '../../../simulators/support/server.ts'
import { isSyncError } from '../../../test/support/error-matchers.ts'
import { createAddressGuard } from '../../node/address-guard.ts'
import { createHttp } from '../../node/http-client.ts'
import { recognise } from './recognise.ts'

const WORDS = `<html><h1>Shop</h1>${'Words about coffee. '.repeat(30)}</html>`

/** Recognises a site whose files are these; all others are missing. */
async function recogniseSite(
  t: TestContext,
  files: Readonly<Record<string, string>>,
): Promise<unknown> {
  const site = await listen(async ({ url = '' }, response) => {
    const body = files[url]
    response.statusCode = body === undefined ? 404 : 200
    response.setHeader('content-type', url.endsWith('.txt') ? 'text/plain' : 'text/html')
    response.end(body?.replaceAll('ORIGIN', site.url))
  })
  t.after(site.close)
  const http = createHttp({ guard: createAddressGuard(['127.0.0.1']), userAgent: 'test' })
  t.after(() => http.close())
  return recognise(new URL(site.url), http, t.signal)
}

test('a site whose robots.txt disallows everything is blocked, not without a sitemap', async (t) => {
  const files = { '/': WORDS, '/robots.txt': 'User-agent: *\nDisallow: /' }
  await assert.rejects(
    recogniseSite(t, files),
    isSyncError('source/blocked', /robots\.txt of 127\.0\.0\.1:\d+ disallows all pages/),
  )
})

test('a site without a sitemap is not recognised', async (t) => {
  await assert.rejects(
    recogniseSite(t, { '/': WORDS }),
    isSyncError('source/not-recognised', /has no sitemap/),
  )
})

test('pages without products have another reason than empty ones whose scripts add them', async (t) => {
  const listing = {
    '/sitemap.xml': '<urlset><url><loc>ORIGIN/p/a</loc></url></urlset>',
    '/': WORDS,
  }
  await assert.rejects(
    recogniseSite(t, { ...listing, '/p/a': WORDS }),
    isSyncError('source/not-recognised', /no structured data of products/),
  )
  await assert.rejects(
    recogniseSite(t, { ...listing, '/p/a': '<html><script src="/app.js"></script></html>' }),
    isSyncError('source/not-recognised', /added by scripts/),
  )
})

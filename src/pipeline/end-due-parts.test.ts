import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from '../core/connector.ts'
import { endDueParts, limitPartAge } from './end-due-parts.ts'

const PAGE = { lineCount: 1, complete: false } as Page

/** A writer whose part is due at once, unless it is empty. */
function createSink(onEnd: () => void) {
  return {
    isEmpty: true,
    get dueMs() {
      return this.isEmpty ? null : 0
    },
    async endPart() {
      this.isEmpty = true
      onEnd()
    },
  }
}

test('a part ends while a slow supplier prepares its next page', async () => {
  const gate = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  const sink = createSink(() => ended.resolve())
  async function* slow(): AsyncGenerator<Page> {
    yield PAGE
    await gate.promise
    yield PAGE
  }
  const taken: Page[] = []
  const reading = (async () => {
    for await (const page of endDueParts(slow(), sink)) {
      taken.push(page)
      sink.isEmpty = false
    }
  })()
  await ended.promise
  assert.equal(taken.length, 1)
  gate.resolve()
  await reading
  assert.equal(taken.length, 2)
})

test('pages that are ready fill one part', async () => {
  let ends = 0
  const sink = createSink(() => (ends += 1))
  async function* readyPages(): AsyncGenerator<Page> {
    for (let index = 0; index < 100; index++) yield PAGE
  }
  for await (const _ of endDueParts(readyPages(), sink)) sink.isEmpty = false
  assert.equal(ends, 0)
})

test('the age of parts grows, so that a fetch of a day has hundreds of them', () => {
  let hours = 0
  let parts = 0
  while (hours < 24) hours += limitPartAge(100, ++parts) / 3_600_000
  assert.ok(parts < 2_000, String(parts))
})

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Output } from './output.ts'
import { printPaged } from './pager.ts'

const LONG = Array.from({ length: 6 }, (_, n) => `line ${n}`).join('\n')

test('only long text on a terminal goes through the pager, without control characters', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-pager-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'paged')
  const paged = { env: { PAGER: `cat > ${file}` }, pager: true }
  const print = async (
    text: string,
    options: Parameters<typeof printPaged>[2],
    screen: { readonly isTTY: boolean; readonly json?: boolean } = { isTTY: true },
  ) => {
    await rm(file, { force: true })
    let printed = ''
    const stream = { write: (piece: string) => (printed += piece), isTTY: screen.isTTY, rows: 5 }
    const output = new Output(stream, stream)
    output.json = screen.json ?? false
    await printPaged(output, { value: { text }, text }, options)
    return { printed, paged: await readFile(file, 'utf8').catch(() => null) }
  }
  assert.deepEqual(await print(`${LONG}\u001b[31m`, paged), {
    printed: '',
    paged: `${LONG}\\u001b[31m\n`,
  })
  const direct = { printed: `${LONG}\n`, paged: null }
  assert.deepEqual(await print(LONG, paged, { isTTY: false }), direct)
  assert.deepEqual(await print(LONG, { ...paged, pager: false }), direct)
  assert.deepEqual(await print(LONG, { ...paged, env: { PAGER: '' } }), direct)
  assert.deepEqual(await print(LONG, { ...paged, env: { PAGER: 'no-such-pager-7' } }), direct)
  assert.deepEqual(await print('short', paged), { printed: 'short\n', paged: null })
  const json = await print(LONG, paged, { isTTY: true, json: true })
  assert.deepEqual(json, { printed: `${JSON.stringify({ text: LONG })}\n`, paged: null })
})

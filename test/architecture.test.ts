// ARCHITECTURE.md lists the modules that a record passes through; the list must be true.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { listForbiddenImports } from '../scripts/arrows.ts'
import { findWrongModule, listRecordModules } from '../scripts/support/record-path.ts'

test('each module on the path of a record passes it to the next, in at most 12 steps', () => {
  const modules = listRecordModules()
  assert.equal(findWrongModule(modules), null)
  assert.ok(modules.length <= 12, `${modules.length} modules`)
  assert.equal(modules[0]?.path, 'src/pipeline/fetch.ts')
  assert.equal(modules.at(-1)?.path, 'src/db/write/merge-records.ts')
})

test('a module that is missing on the path, or does not define its function, is reported', () => {
  const modules = listRecordModules()
  const without = (path: string) => modules.filter((module) => module.path !== path)
  assert.match(
    findWrongModule(without('src/pipeline/apply/hashed-part.ts')) ?? '',
    /store\.ts and .*line-batches\.ts are not linked/,
  )
  assert.match(
    findWrongModule(modules.map((module) => ({ ...module, name: 'Lane.fly' }))) ?? '',
    /does not define Lane\.fly/,
  )
})

const page = readFileSync(new URL('../ARCHITECTURE.md', import.meta.url), 'utf8')

test('the arrows of the page are those that the check enforces', () => {
  const folders = /^cli → .*$/m.exec(page)?.[0].split(' → ') ?? []
  assert.ok(folders.length > 10, folders.join())
  for (const [index, from] of folders.entries()) {
    for (const [other, to] of folders.entries()) {
      if (index === other) continue
      const wrong = listForbiddenImports(`src/${from}/a.ts`, `import { b } from '../${to}/b.ts'\n`)
      assert.equal(wrong.length === 0, index < other, `${from} → ${to}`)
    }
  }
})

test('the table of folders contains every folder of src/', () => {
  const root = new URL('../src/', import.meta.url)
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  for (const { name } of folders) assert.match(page, new RegExp(`^\\| .*\`src/${name}/\``, 'm'))
})

// docs/README.md, the index of the documentation: it lists every page of the folder.

import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { posix } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readPage } from './support/pages.ts'

const folder = fileURLToPath(new URL('../docs/', import.meta.url))

test('the index lists every page of docs and every connector, and each question names a page', () => {
  const { text } = readPage('docs/README.md')
  const links = [...text.matchAll(/\]\((?!https:)([^)#]+)(?:#[^)]*)?\)/g)].map(([, path = '']) =>
    posix.normalize(path),
  )
  const pages = globSync('**/*.md', { cwd: folder }).filter(
    (path) => path !== 'README.md' && !path.startsWith('decisions/'),
  )
  const connectors = globSync('../src/connectors/*/README.md', { cwd: folder })
  assert.ok(pages.length > 10)
  for (const page of [...pages, ...connectors, 'decisions'])
    assert.ok(links.includes(page), `docs/README.md does not list ${page}: add its question`)
  for (const [row, , cell = ''] of text.matchAll(/^\| ([^|]+\?[^|]*) \| ([^|]*) \|$/gm))
    assert.match(cell, /^\[[^\]]+\]\([^)]+\)/, row)
})

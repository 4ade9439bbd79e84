import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { Connector } from '../src/core/connector.ts'
import { createConnector } from './new-connector.ts'

const LIST = `import { shopify } from './shopify/connector.ts'

export const connectors = [
  shopify,
  // npm run new connector: above this line
]
`

/** A project with this one's core, lib and packages, and one connector. */
async function openProject(t: TestContext, list = LIST): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'shelfsync-new-'))
  t.after(() => rm(root, { recursive: true }))
  await mkdir(join(root, 'src/connectors/shopify'), { recursive: true })
  await writeFile(
    join(root, 'src/connectors/shopify/connector.ts'),
    "export const shopify = { name: 'shopify' }\n",
  )
  await writeFile(join(root, 'src/connectors/registry.ts'), list)
  await writeFile(join(root, 'package.json'), '{"type":"module"}')
  for (const path of ['src/core', 'src/lib', 'node_modules'])
    await symlink(join(import.meta.dirname, '..', path), join(root, path))
  return root
}

test('a new connector is a folder that loads under its own name, and two lines in the list', async (t) => {
  const root = await openProject(t)
  await createConnector(root, 'my-big-shop2')
  const list: { connectors: Connector[] } = await import(
    pathToFileURL(join(root, 'src/connectors/registry.ts')).href
  )
  assert.deepEqual(
    list.connectors.map(({ name }) => name),
    ['shopify', 'my-big-shop2'],
  )
  const folder = join(root, 'src/connectors/my-big-shop2')
  assert.deepEqual((await readdir(folder)).sort(), [
    'README.md',
    'conformance.test.ts',
    'connector.test.ts',
    'connector.ts',
    'fixtures',
  ])
  for (const file of ['README.md', 'conformance.test.ts', 'connector.test.ts', 'connector.ts']) {
    assert.doesNotMatch(
      await readFile(join(folder, file), 'utf8'),
      /example-?supplier|\.\.\/src\//i,
    )
  }
})

test('the second new connector stands below the first', async (t) => {
  const root = await openProject(t)
  await createConnector(root, 'first')
  await createConnector(root, 'second')
  const list = await readFile(join(root, 'src/connectors/registry.ts'), 'utf8')
  assert.match(
    list,
    /import .*first.*\nimport .*second.*\n\n.*\n  shopify,\n  first,\n  second,\n  \/\//,
  )
})

test('a name that is taken or not in lower-case words is refused, and nothing is written', async (t) => {
  const root = await openProject(t)
  for (const name of [
    'shopify',
    'registry.ts',
    '',
    'Big',
    'a b',
    '../up',
    'a--b',
    '-a',
    'a-',
    '1st',
    'ä',
    'a'.repeat(41),
  ]) {
    await assert.rejects(
      createConnector(root, name),
      /choose another name|is no name for a connector/,
    )
  }
  assert.deepEqual((await readdir(join(root, 'src/connectors'))).sort(), ['registry.ts', 'shopify'])
})

test('a list without its marker is refused before anything is written', async (t) => {
  const root = await openProject(t, LIST.replace('// npm', '// yarn'))
  await assert.rejects(createConnector(root, 'lost'), /has lost its imports or the comment/)
  assert.deepEqual((await readdir(join(root, 'src/connectors'))).sort(), ['registry.ts', 'shopify'])
})

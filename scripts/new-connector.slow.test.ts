import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import type { Connector } from '../src/core/connector.ts'
import { createConnector } from './new-connector.ts'

const LIST = `import { shopify } from './shopify/connector.ts'

export const connectors = [
  shopify,
  // npm run new connector: above this line
]
`

/** A project with the core, lib and packages of this one, and one connector. */
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

for (const withKey of [false, true]) {
  const form = withKey ? 'with a key' : 'without a key'

  test(`a new connector ${form} loads under its name, passes its test and changes one existing file`, async (t) => {
    const root = await openProject(t)
    const written = await createConnector(root, { name: 'my-big-shop2', withKey })
    const list: { connectors: Connector[] } = await import(
      pathToFileURL(join(root, 'src/connectors/registry.ts')).href
    )
    assert.deepEqual(
      list.connectors.map(({ name }) => name),
      ['shopify', 'my-big-shop2'],
    )
    assert.deepEqual(
      written.filter((file) => !file.startsWith('src/connectors/my-big-shop2/')),
      ['src/connectors/registry.ts'],
    )
    const variables = Object.values(list.connectors[1]?.credentials.variables ?? {})
    assert.deepEqual(
      variables.map(({ name }) => name),
      withKey ? ['MY_BIG_SHOP2_API_KEY'] : [],
    )
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const file = 'src/connectors/my-big-shop2/connector.test.ts'
    await promisify(execFile)(process.execPath, ['--test', file], { cwd: root, env })
  })

  test(`the files of a new connector ${form} contain no name and no path of the template`, async (t) => {
    const root = await openProject(t)
    const written = await createConnector(root, { name: 'my-big-shop2', withKey })
    assert.equal(
      written.some((file) => file.endsWith('/credentials.ts')),
      withKey,
    )
    for (const file of written)
      assert.doesNotMatch(
        await readFile(join(root, file), 'utf8'),
        /example-?_?supplier|\.\.\/src\/|\.\.\/connector\//i,
        file,
      )
  })
}

test('the second new connector is listed after the first', async (t) => {
  const root = await openProject(t)
  await createConnector(root, { name: 'first' })
  await createConnector(root, { name: 'second' })
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
      createConnector(root, { name }),
      /choose another name|is not a valid name for a connector/,
    )
  }
  assert.deepEqual((await readdir(join(root, 'src/connectors'))).sort(), ['registry.ts', 'shopify'])
})

test('a list without its marker is refused before anything is written', async (t) => {
  const root = await openProject(t, LIST.replace('// npm', '// yarn'))
  await assert.rejects(
    createConnector(root, { name: 'lost' }),
    /does not contain its imports or the comment/,
  )
  assert.deepEqual((await readdir(join(root, 'src/connectors'))).sort(), ['registry.ts', 'shopify'])
})

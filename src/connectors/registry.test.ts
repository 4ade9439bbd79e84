import assert from 'node:assert/strict'
import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { CONNECTORS } from './registry.ts'

const ROOT = join(import.meta.dirname, '../..')
const VARIABLES = [...CONNECTORS.values()].flatMap(({ credentials }) =>
  Object.values(credentials.variables).flatMap(({ name }) => name ?? []),
)

test('each connector is in the folder with its name', async () => {
  for (const [name, connector] of CONNECTORS) {
    const module: Record<string, unknown> = await import(`./${name}/connector.ts`)
    assert.ok(Object.values(module).includes(connector), name)
  }
})

test('only files in the folder of a connector name its variables', async () => {
  const found: string[] = []
  for await (const path of glob('{src,scripts}/**/*.{ts,md}', { cwd: ROOT })) {
    if (path.startsWith('src/connectors/') || path.endsWith('.test.ts')) continue
    const text = await readFile(join(ROOT, path), 'utf8')
    found.push(...VARIABLES.filter((name) => text.includes(name)).map((name) => `${path}: ${name}`))
  }
  assert.deepEqual(found, [])
})

test('no file outside its folder imports a connector, except the registry and edge functions', async () => {
  const imports = /from '[./a-z-]*connectors\/(?!registry\.ts)/
  const found: string[] = []
  for await (const path of glob('{src,scripts}/**/*.ts', { cwd: ROOT })) {
    if (path.startsWith('src/connectors/') || path.endsWith('.test.ts')) continue
    // Their bundle contains one connector.
    if (path.startsWith('src/edge/')) continue
    if (imports.test(await readFile(join(ROOT, path), 'utf8'))) found.push(path)
  }
  assert.deepEqual(found, [])
})

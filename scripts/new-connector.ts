// `npm run new connector NAME`: a connector's folder from the template, and its lines in the list
// of connectors. The template is real code that is checked and tested where it lies; only its names
// and the depth of its imports change.

import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const TEMPLATE = fileURLToPath(new URL('templates/connector/', import.meta.url))
const TEMPLATE_NAME = 'example-supplier'

/** Stands in the array of src/connectors/registry.ts; new connectors go above it. */
const MARKER = '// npm run new connector: above this line'

/**
 * Makes `src/connectors/NAME` in the project at `root`. Throws, having written nothing, when the
 * name or the list will not do.
 */
export async function createConnector(root: string, name: string): Promise<string[]> {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || name.length > 40) {
    throw new Error(
      `"${name}" is no name for a connector: use lower-case words joined by hyphens, such as my-supplier`,
    )
  }
  const connectors = join(root, 'src/connectors')
  if ((await readdir(connectors)).includes(name))
    throw new Error(`src/connectors/${name} is there already: choose another name`)
  const list = join(connectors, 'registry.ts')
  const listed = addToList(await readFile(list, 'utf8'), name)

  const folder = join(connectors, name)
  await mkdir(folder)
  for (const file of ['connector.ts', 'connector.test.ts', 'conformance.test.ts', 'README.md']) {
    await writeFile(join(folder, file), fill(await readFile(join(TEMPLATE, file), 'utf8'), name))
  }
  await cp(join(TEMPLATE, 'fixtures'), join(folder, 'fixtures'), { recursive: true })
  await writeFile(list, listed)
  return (await readdir(folder))
    .map((file) => `src/connectors/${name}/${file}`)
    .concat('src/connectors/registry.ts')
}

function fill(template: string, name: string): string {
  return template
    .replaceAll('../../../src/', '../../')
    .replaceAll(TEMPLATE_NAME, name)
    .replaceAll(identifierOf(TEMPLATE_NAME), identifierOf(name))
    .replaceAll(capitalise(identifierOf(TEMPLATE_NAME)), capitalise(identifierOf(name)))
}

function addToList(source: string, name: string): string {
  const lines = source.split('\n')
  const marker = lines.findIndex((line) => line.includes(MARKER))
  const lastImport = lines.findLastIndex((line) =>
    /^import .* from '\.\/[a-z0-9-]+\/connector\.ts'$/.test(line),
  )
  const indent = /^ */.exec(lines[marker] ?? '')?.[0]
  if (marker === -1 || lastImport === -1) {
    throw new Error(`src/connectors/registry.ts has lost its imports or the comment "${MARKER}"`)
  }
  lines.splice(marker, 0, `${indent}${identifierOf(name)},`)
  lines.splice(lastImport + 1, 0, `import { ${identifierOf(name)} } from './${name}/connector.ts'`)
  return lines.join('\n')
}

function identifierOf(name: string): string {
  return name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase())
}

function capitalise(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

if (import.meta.main) {
  const [kind, name, ...rest] = process.argv.slice(2)
  try {
    if (kind !== 'connector' || name === undefined || rest.length > 0)
      throw new Error('Usage: npm run new connector NAME')
    const written = await createConnector(fileURLToPath(new URL('../', import.meta.url)), name)
    console.log(
      `${written.join('\n')}\n\nNext: npx node --test src/connectors/${name}/*.test.ts, then make it your supplier's; its README.md says how.`,
    )
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}

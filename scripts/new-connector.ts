// `npm run new connector NAME [-- --with-key]`: creates the folder of a connector from a template,
// and adds two lines to the list of connectors. The templates are real code that is checked and
// tested where it lies; only names and the depth of imports change.

import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const TEMPLATES = fileURLToPath(new URL('templates/', import.meta.url))
const TEMPLATE_NAME = 'example-supplier'
/** Files of a later folder replace those of the same name. */
const FOLDERS = { public: ['connector'], withKey: ['connector', 'connector-with-key'] }

/** A comment in the array of src/connectors/registry.ts; new connectors are added above it. */
const MARKER = '// npm run new connector: above this line'

export interface NewConnector {
  readonly name: string
  /** True when the supplier requires a key. */
  readonly withKey?: boolean
}

/**
 * Creates `src/connectors/NAME` in the project at `root`, and returns the files that were written.
 *
 * @throws Error, before anything is written, when the name or the list is not usable
 */
export async function createConnector(
  root: string,
  { name, withKey = false }: NewConnector,
): Promise<string[]> {
  const connectors = join(root, 'src/connectors')
  await checkName(connectors, name)
  const list = join(connectors, 'registry.ts')
  const listed = addToList(await readFile(list, 'utf8'), name)
  const files = await listFiles(withKey ? FOLDERS.withKey : FOLDERS.public)
  for (const [file, source] of files) {
    const target = join(connectors, name, file)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, fill(await readFile(source, 'utf8'), name))
  }
  await writeFile(list, listed)
  return [...files.keys(), '../registry.ts'].map((file) => join('src/connectors', name, file))
}

async function checkName(connectors: string, name: string): Promise<void> {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || name.length > 40)
    throw new Error(
      `"${name}" is not a valid name for a connector: use lower-case words joined by hyphens, such as my-supplier`,
    )
  if ((await readdir(connectors)).includes(name))
    throw new Error(`src/connectors/${name} exists already: choose another name`)
}

/** The template files by their path in the new folder, each with its own path. */
async function listFiles(folders: readonly string[]): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  for (const folder of folders) {
    const root = join(TEMPLATES, folder)
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      if (entry.isFile()) files.set(path.slice(root.length + 1), path)
    }
  }
  return files
}

function fill(template: string, name: string): string {
  return template
    .replaceAll('../../../src/', '../../')
    .replaceAll('../connector/', './')
    .replaceAll(TEMPLATE_NAME, name)
    .replaceAll(toUpperSnake(TEMPLATE_NAME), toUpperSnake(name))
    .replaceAll(toIdentifier(TEMPLATE_NAME), toIdentifier(name))
    .replaceAll(capitalise(toIdentifier(TEMPLATE_NAME)), capitalise(toIdentifier(name)))
}

function addToList(source: string, name: string): string {
  const lines = source.split('\n')
  const marker = lines.findIndex((line) => line.includes(MARKER))
  const lastImport = lines.findLastIndex((line) =>
    /^import .* from '\.\/[a-z0-9-]+\/connector\.ts'$/.test(line),
  )
  const indent = /^ */.exec(lines[marker] ?? '')?.[0]
  if (marker === -1 || lastImport === -1) {
    throw new Error(
      `src/connectors/registry.ts does not contain its imports or the comment "${MARKER}"`,
    )
  }
  lines.splice(marker, 0, `${indent}${toIdentifier(name)},`)
  lines.splice(lastImport + 1, 0, `import { ${toIdentifier(name)} } from './${name}/connector.ts'`)
  return lines.join('\n')
}

function toIdentifier(name: string): string {
  return name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase())
}

function toUpperSnake(name: string): string {
  return name.replaceAll('-', '_').toUpperCase()
}

function capitalise(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

/** @throws Error with the usage */
function parseArguments(given: readonly string[]): NewConnector {
  const flags = given.filter((argument) => argument.startsWith('--'))
  const [kind, name, ...rest] = given.filter((argument) => !argument.startsWith('--'))
  const isKnown = flags.every((flag) => flag === '--with-key')
  if (kind !== 'connector' || name === undefined || rest.length > 0 || !isKnown)
    throw new Error('Usage: npm run new connector NAME [-- --with-key]')
  return { name, withKey: flags.length > 0 }
}

if (import.meta.main) {
  try {
    const connector = parseArguments(process.argv.slice(2))
    const root = fileURLToPath(new URL('../', import.meta.url))
    const written = await createConnector(root, connector)
    // The length of the name decides where the formatter breaks lines.
    await promisify(execFile)(join(root, 'node_modules/.bin/oxfmt'), written, { cwd: root })
    const folder = `src/connectors/${connector.name}`
    console.log(
      `${written.join('\n')}\n\nNext: npx node --test '${folder}/*.test.ts', then change the connector as ${folder}/README.md describes.`,
    )
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}

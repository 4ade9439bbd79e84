// `npm run bench:size`: the disk that an installation uses, as npm installs the package and in each
// layer of the container image. Needs the registries of npm and Debian, and root for the image.

import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { runProgram } from '../test/support/debian.ts'
import { buildImage, explainMissingBuilder } from '../test/support/image.ts'
import { pack } from '../test/support/package.ts'
import { cleanEnv } from '../test/support/processes.ts'

const MB = 1_000_000

await using stack = new AsyncDisposableStack()
const folder = await mkdtemp(join(tmpdir(), 'shelfsync-size-'))
stack.defer(() => rm(folder, { recursive: true, force: true }))

const tarball = await pack(join(folder, 'repository'), cleanEnv({ HOME: folder }))
console.log('| installed | MB |\n| --- | ---: |')
print('the package, with its optional packages', await install('all', []))
print('the package, without them', await install('needed', ['--omit=optional']))

const reason = explainMissingBuilder()
if (reason !== false) console.log(`The image was not built: ${reason}`)
else {
  const { layers } = await buildImage({ after: (cleanUp) => stack.defer(cleanUp) })
  for (const { folder: place, bytes } of layers) print(`layer of the image: ${place}`, bytes)
}

/** Installs the package into an empty folder and returns the bytes on disk. */
async function install(name: string, flags: readonly string[]): Promise<number> {
  const app = join(folder, name)
  await mkdir(app)
  await writeFile(join(app, 'package.json'), '{ "private": true }')
  const args = ['install', '--ignore-scripts', ...flags, tarball]
  // With npm's settings of this machine, which may name a registry or a proxy.
  await promisify(execFile)('npm', args, { cwd: app })
  const [kilobytes] = (await runProgram('du', ['-sk', join(app, 'node_modules')])).split('\t')
  return Number(kilobytes) * 1024
}

function print(what: string, bytes: number): void {
  console.log(`| ${what} | ${bytes < MB ? '< 1' : Math.round(bytes / MB)} |`)
}

// A tree of Debian with the Node of `npm ci` and this machine's npm, made from Debian's packages.

import { cp, mkdir, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { cleanEnv, findProgram } from './processes.ts'

const NODE = fileURLToPath(
  new URL(`../../node_modules/node-linux-${process.arch}/bin/node`, import.meta.url),
)
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024

/** The certificates that this machine trusts; a registry may be behind a proxy. */
export const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt'
/** npm's settings, at their place in the tree. */
export const NPM_SETTINGS = { path: 'root/.npmrc', text: `cafile=${CERTIFICATES}\n` }

/** Makes the tree in `folder`, which does not exist yet. Needs root and Debian's packages. */
export async function createDebian(
  folder: string,
  release: string,
  packages: readonly string[] = [],
): Promise<void> {
  const include = packages.length === 0 ? [] : [`--include=${packages.join(',')}`]
  await runProgram('mmdebstrap', ['--variant=minbase', ...include, release, folder])
  // Debian's slim images do not have them.
  for (const name of ['doc', 'man', 'locale'])
    await rm(join(folder, 'usr/share', name), { recursive: true })
  const local = join(folder, 'usr/local')
  await cp(NODE, join(local, 'bin/node'))
  const npm = dirname(dirname(await realpath(findProgram('npm', 'npm'))))
  await mkdir(join(local, 'lib/node_modules'), { recursive: true })
  await cp(npm, join(local, 'lib/node_modules/npm'), { recursive: true, verbatimSymlinks: true })
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(local, 'bin/npm'))
}

/** Lets npm in the tree reach the registry as this machine does. */
export async function shareNetwork(folder: string): Promise<void> {
  await mkdir(dirname(join(folder, CERTIFICATES)), { recursive: true })
  await cp(CERTIFICATES, join(folder, CERTIFICATES))
  await mkdir(dirname(join(folder, NPM_SETTINGS.path)), { recursive: true })
  await writeFile(join(folder, NPM_SETTINGS.path), NPM_SETTINGS.text)
  await cp(await realpath('/etc/resolv.conf'), join(folder, 'etc/resolv.conf'))
}

/** Returns the standard output. @throws Error with all output when the program fails */
export async function runProgram(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(findProgram(program, program), [...args], {
    env: cleanEnv({ HOME: tmpdir(), NODE_COMPILE_CACHE: undefined }),
    maxBuffer: OUTPUT_BYTES_MAX,
  })
  return stdout
}

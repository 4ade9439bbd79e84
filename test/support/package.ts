// The npm package, packed from a copy of the repository.

import { execFile } from 'node:child_process'
import { cp, mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import project from '../../package.json' with { type: 'json' }
import { VERSION } from '../../src/core/version.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** The files of the repository from which the package is made. */
const SOURCES = [
  ...project.files.map((path) => path.split('/')[0] ?? ''),
  'src',
  'scripts/build.ts',
  'scripts/build-functions.ts',
]
  .concat('package.json', 'tsconfig.json', 'tsconfig.build.json', 'README.md', 'LICENSE', '.npmrc')
  .filter((path) => path !== 'dist')

/** Packs a copy of the repository, because packing writes `dist/`. Returns the tarball. */
export async function pack(copy: string, env: NodeJS.ProcessEnv): Promise<string> {
  await mkdir(copy)
  for (const path of new Set(SOURCES))
    await cp(join(ROOT, path), join(copy, path), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  await promisify(execFile)('npm', ['pack'], { cwd: copy, env })
  return join(copy, `${project.name}-${VERSION}.tgz`)
}

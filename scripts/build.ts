// Compiles src/ to dist/ for the npm package, and builds its edge functions. The repository runs
// from source and needs no build.

import { spawnSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { PACKAGE_FILES } from '../src/http/dashboard/assets.ts'
import { buildFunctions } from './build-functions.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
// A file that is no longer in src/ must not remain in the package.
rmSync(`${root}dist`, { recursive: true, force: true })
const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
process.exitCode = status ?? 1
// The style sheets and scripts of the pages are served as they are.
const assets = `${root}dist/http/dashboard/assets`
cpSync(`${root}src/http/dashboard/assets`, assets, { recursive: true })
for (const [name, path] of Object.entries(PACKAGE_FILES))
  cpSync(createRequire(import.meta.url).resolve(path), `${assets}/${name}`)
if (status === 0) await buildFunctions(`${root}dist/functions`)

// Starts a file on Node 24 or newer, with settings that keep a run under 256 MB: a small young
// generation, an old one that at most doubles between collections, large buffers that are returned
// to the system when freed, and one arena for all threads instead of one each (mallopt(3)). Compiled
// code is kept between starts. This file is JavaScript for older Nodes; the rest is TypeScript.
// Usage: `node bin/launch.js FILE …`.

import { spawn } from 'node:child_process'
import { accessSync, constants as modes, existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants, homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NODE_MIN = 24
const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
/** True in an installed npm package, false in the repository. */
const IS_PACKAGE = basename(dirname(ROOT)) === 'node_modules'
const PACKAGES = IS_PACKAGE ? dirname(ROOT) : join(ROOT, 'node_modules')
const INSTALL = IS_PACKAGE ? 'npm install shelfsync' : 'npm ci'
// Without the second flag, V8 lets 20 MB of live objects grow to 60 MB before it collects them all.
export const NODE_FLAGS = ['--max-semi-space-size=4', '--heap-growing-percent=100']
export const ENVIRONMENT = {
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_ARENA_MAX: '1',
  NODE_COMPILE_CACHE: chooseCompileCache(),
}

/** Replaces this process by Node with `args`, or runs it as a child where exec is unavailable. */
export function runLean(args) {
  if (find('commander') === null) fail(`the packages are not installed. Run \`${INSTALL}\` first.`)
  const node = findNode()
  const env = { ...ENVIRONMENT, ...process.env }
  // With it, pg would load a native client that is not installed.
  delete env.NODE_PG_FORCE_NATIVE
  if (process.execve && process.platform !== 'win32')
    process.execve(node, [node, ...NODE_FLAGS, ...args], env)

  const child = spawn(node, [...NODE_FLAGS, ...args], { stdio: 'inherit', env })
  // A terminal sends Ctrl-C to the child too, which treats a second one as "stop at once".
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) {
    process.on(signal, () => {
      if (!(terminal && (signal === 'SIGINT' || signal === 'SIGQUIT'))) child.kill(signal)
    })
  }
  child.on('error', (error) => fail(`${node} does not start: ${error.message}`))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}

/**
 * Returns the folder of compiled code. Where this account may not write among the packages, as after
 * an installation by root, it is in the user's cache. Node ignores a folder that it cannot write.
 */
function chooseCompileCache() {
  const shared = join(PACKAGES, '.cache', IS_PACKAGE ? 'shelfsync' : 'compiled')
  if (isWritable(shared)) return shared
  try {
    const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
    return join(caches, 'shelfsync', 'compiled')
  } catch {
    // An account without a home, in a container.
    return shared
  }
}

/** True when this account can write to the folder, or can create it. */
function isWritable(folder) {
  if (!existsSync(folder)) return isWritable(dirname(folder))
  try {
    accessSync(folder, modes.W_OK)
    return true
  } catch {
    return false
  }
}

/** Returns this Node if it is new enough, or the one that npm installed. */
function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= NODE_MIN) return process.execPath
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  return (
    find(`${name}/bin/node${process.platform === 'win32' ? '.exe' : ''}`) ??
    fail(`this is Node ${process.versions.node}, and ${NODE_MIN} or newer is needed.
Run \`${INSTALL}\` without --omit=optional (it installs ${name} where that exists),
or install Node ${NODE_MIN}: https://nodejs.org`)
  )
}

/** Returns the path of a package's file, or null. */
function find(file) {
  try {
    return createRequire(import.meta.url).resolve(file)
  } catch {
    return null
  }
}

function fail(message) {
  console.error(`shelfsync: ${message}`)
  process.exit(1)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) runLean(process.argv.slice(2))

// Starts a file on Node so that a run stays under 256 MB: with a small young generation, and with big buffers that go back to the
// system when they are freed (glibc would keep them: M_MMAP_THRESHOLD in mallopt(3)). Compiled code is kept between starts.
// Plain JavaScript for old Nodes. `node bin/lean.js FILE …` runs FILE so.

import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

export const NODE_FLAGS = ['--max-semi-space-size=4']
export const ENVIRONMENT = {
  MALLOC_MMAP_THRESHOLD_: '131072',
  NODE_COMPILE_CACHE: fileURLToPath(new URL('../node_modules/.cache/compiled', import.meta.url)),
}

/** Becomes `node` running `args`; where a process cannot become another, runs it as a child and ends as it does. */
export function runLean(node, args) {
  const env = { ...ENVIRONMENT, ...process.env }
  if (process.execve && process.platform !== 'win32') process.execve(node, [node, ...NODE_FLAGS, ...args], env)

  const child = spawn(node, [...NODE_FLAGS, ...args], { stdio: 'inherit', env })
  // On a terminal Ctrl-C reaches the child by itself; twice would mean "at once".
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) {
    process.on(signal, () => {
      if (!(terminal && (signal === 'SIGINT' || signal === 'SIGQUIT'))) child.kill(signal)
    })
  }
  child.on('error', (error) => {
    console.error(`shelfsync: ${node} does not start: ${error.message}`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) runLean(process.execPath, process.argv.slice(2))

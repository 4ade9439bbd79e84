// How much memory is really held, for tests that promise a bound. Collects garbage first, so that
// only what is reachable counts; twice, since freed buffers are counted off in the background,
// which the second collection waits for.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collectGarbage: unknown = runInNewContext('gc')

/** The bytes of all reachable buffers of this process. */
export function measureBufferBytes(): number {
  collect()
  return process.memoryUsage().arrayBuffers
}

/** The bytes of everything else that is reachable: texts and objects. */
export function measureHeapBytes(): number {
  collect()
  return process.memoryUsage().heapUsed
}

function collect(): void {
  if (typeof collectGarbage !== 'function') throw new Error('This Node has no gc()')
  collectGarbage()
  collectGarbage()
}

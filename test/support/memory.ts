// Measures the memory that is really in use, for tests that promise a bound. Garbage is collected
// twice, because the second collection waits for buffers that are released in the background.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collectGarbage: unknown = runInNewContext('gc')

/** The bytes of all reachable buffers of this process. */
export function measureBufferBytes(): number {
  collect()
  return process.memoryUsage().arrayBuffers
}

/** The bytes of all other reachable memory: text and objects. */
export function measureHeapBytes(): number {
  collect()
  return process.memoryUsage().heapUsed
}

function collect(): void {
  if (typeof collectGarbage !== 'function') throw new Error('This Node has no gc()')
  collectGarbage()
  collectGarbage()
}

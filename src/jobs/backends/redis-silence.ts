// Ends a connection to Redis on which packets are lost without an error, so that ioredis connects
// again. The keep-alive of TCP only notices this while nothing is being sent, and a resend may take a
// quarter of an hour. `socketTimeout` of ioredis 5 ends the next connection instead:
// https://github.com/redis/ioredis/issues/2147

import type { Redis } from 'ioredis'

const LOOK_MS = 1_000
/** Longer than the blocking commands of BullMQ, which wait up to ten seconds for a job. */
const SILENT_LOOKS_MAX = 15

/** Ends each connection of the client whose server does not respond to a command for 15 seconds. */
export function endWhenSilent(client: Redis): void {
  client.on('connect', () => {
    const { stream } = client
    let bytesRead = 0
    // Looks are counted instead of seconds, because the process itself may have been stopped.
    let silentLooks = 0
    const look = setInterval(() => {
      const isSilent = stream.bytesRead === bytesRead && countSent(client) > 0
      bytesRead = stream.bytesRead
      silentLooks = isSilent ? silentLooks + 1 : 0
      if (silentLooks >= SILENT_LOOKS_MAX) stream.destroy(new SilentError())
    }, LOOK_MS).unref()
    stream.once('close', () => clearInterval(look))
  })
}

class SilentError extends Error {
  readonly code = 'ETIMEDOUT'
  constructor() {
    super(`Redis has not responded for ${(SILENT_LOOKS_MAX * LOOK_MS) / 1000} s`)
  }
}

/** Counts the commands without a response. ioredis does not declare their queue. */
function countSent(client: Redis): number {
  return (client as unknown as { commandQueue: { length: number } }).commandQueue.length
}

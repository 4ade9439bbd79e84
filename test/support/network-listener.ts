// Opens a listening socket in the network namespace in which it is started, and hands it to its
// parent in another namespace: a socket stays in the namespace in which it was created, even after
// a process elsewhere receives it.

import { createServer } from 'node:net'

const [, , address, port] = process.argv
const server = createServer().listen(Number(port), address, () =>
  process.send?.('listening', server),
)
// The parent has the socket now. Two listeners would share its connections.
process.once('disconnect', () => process.exit())

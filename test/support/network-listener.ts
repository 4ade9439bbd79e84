// Opens a listening socket in the network namespace that it is started in, and hands it to its
// parent, which is in another one: a socket stays in the namespace that it was made in, whoever
// holds it.

import { createServer } from 'node:net'

const [, , address, port] = process.argv
const server = createServer().listen(Number(port), address, () =>
  process.send?.('listening', server),
)
// The parent has it: two that listen would share the connections between them.
process.once('disconnect', () => process.exit())

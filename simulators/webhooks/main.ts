// The receiver for the command line: `npm run simulator webhooks -- --secret whsec_…`.

import { parseArgs } from 'node:util'
import { parseWholeNumbers, type Running, type SimulatorCommand } from '../support/command.ts'
import { startReceiver, type ReceiverOptions } from './server.ts'

export const webhooks: SimulatorCommand<ReceiverOptions> = {
  usage: `A receiver of webhooks, which verifies signatures

  --port N           port (default: a free one)
  --secret TEXT      the secret, whsec_… (default: signatures are not verified)

Change it while it runs:
  curl URL/_control/faults -d '{"kind":"status","status":429,"headers":{"retry-after":"5"},"times":3}'
    (status 410 is gone · {"kind":"latency","ms":20000} is slow · {"kind":"reset"} cuts the connection)
  curl URL/_control/received · curl URL/_control/stats · curl -X DELETE URL/_control/faults`,

  parseArguments(argv) {
    const options = { port: { type: 'string' }, secret: { type: 'string' } } as const
    const { values } = parseArgs({ args: [...argv], options })
    return { ...parseWholeNumbers(values, { port: 65_535 }), secret: values.secret ?? null }
  },

  async start(options): Promise<Running> {
    const { url, close } = await startReceiver(options)
    return {
      url,
      close,
      greeting: [
        `A receiver of webhooks (simulated) at ${url}`,
        'Put this into .env:',
        '  ALLOW_PRIVATE_HOSTS=127.0.0.1',
        'Then add it:',
        `  shelfsync webhooks add test ${url}/hook`,
      ].join('\n'),
    }
  },
}

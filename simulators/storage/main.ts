// `npm run simulator storage -- …`: parses the arguments, starts the service and prints how to use
// it. The fault `die` is a real SIGKILL.

import { parseArgs } from 'node:util'
import type { SimulatorCommand } from '../support/command.ts'
import { SECRET_KEY, startStorage, type StorageOptions } from './server.ts'

export const storage: SimulatorCommand<StorageOptions> = {
  usage: `Supabase Storage: buckets, objects and resumable uploads

  --folder PATH      folder of the data (.storage)
  --port N           0: a free port (4020)

  npm run simulator storage -- --folder /tmp/storage
  curl URL/_control/faults -d '{"kind":"die","path":"PATCH *","afterBytes":1000000}'
  curl URL/_control/faults -d '{"kind":"status","path":"PATCH *","status":503}'`,

  parseArguments(argv) {
    const options = {
      folder: { type: 'string', default: '.storage' },
      port: { type: 'string', default: '4020' },
    } as const
    const { values } = parseArgs({ args: [...argv], options })
    const port = Number(values.port)
    if (!Number.isInteger(port) || port < 0 || port > 65_535)
      throw new Error(`--port is a whole number from 0 to 65535, not "${values.port}"`)
    return { folder: values.folder, port }
  },

  async start(options) {
    const { url, close } = await startStorage({
      ...options,
      onDeath: () => process.kill(process.pid, 'SIGKILL'),
    })
    const greeting = `Supabase Storage (simulated) listens on ${url}

Put this into .env:
  ARTIFACTS=supabase:
  SUPABASE_URL=${url}
  SUPABASE_SECRET_KEY=${SECRET_KEY}
`
    return { url, greeting, close }
  },
}

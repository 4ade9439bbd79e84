// `npm run simulator medipim -- …`: parses the arguments, starts the simulator and prints how to
// use it.

import { parseArgs } from 'node:util'
import type { SimulatorCommand } from '../support/command.ts'
import { startMedipim, type ApiKey, type MedipimOptions } from './simulator.ts'

export const medipim: SimulatorCommand<MedipimOptions> = {
  usage: `MediPim, the Australian API v4

  --products N       number of products, 1 to 1,000,000 (20000)
  --seed N           seed of the catalogue (1)
  --port N           0: a free port (4010)
  --key ID:SECRET    an API key; may be repeated (42:sim-key)
  --rate-limit N     requests per minute and key, 0: no limit (100)
  --retry-after      send Retry-After when the limit is reached
  --gzip             compress for clients that accept it

  npm run simulator medipim -- --products 300000 --seed 7
  npm run simulator medipim -- --key 42:one --key 43:other --rate-limit 0

Change it while it runs (GET URL/_control/ lists all verbs):
  curl URL/_control/update -d '{"select":{"share":0.01}}'
  curl URL/_control/remove -d '{"select":{"count":5}}'
  curl URL/_control/faults -d '{"kind":"cut","path":"/v4/products/stream","afterLines":1000}'`,

  parseArguments(argv) {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        products: { type: 'string', default: '20000' },
        seed: { type: 'string', default: '1' },
        port: { type: 'string', default: '4010' },
        key: { type: 'string', multiple: true, default: ['42:sim-key'] },
        'rate-limit': { type: 'string', default: '100' },
        'retry-after': { type: 'boolean', default: false },
        gzip: { type: 'boolean', default: false },
      },
    })
    const requests = parseWholeNumber('--rate-limit', values['rate-limit'], 0, 1_000_000)
    return {
      products: parseWholeNumber('--products', values.products, 1, 1_000_000),
      seed: parseWholeNumber('--seed', values.seed, 0, 2 ** 32 - 1),
      port: parseWholeNumber('--port', values.port, 0, 65_535),
      keys: values.key.map(parseApiKey),
      rateLimit: requests === 0 ? null : { requests, windowMs: 60_000, clock: 'real' },
      switches: { gzip: values.gzip, retryAfter: values['retry-after'] },
    }
  },

  async start(options) {
    const { url, close } = await startMedipim(options)
    const { id, secret } = options.keys?.[0] ?? { id: '42', secret: 'secret' }
    const greeting = `MediPim (simulated, ${options.products} products) listens on ${url}

Try it:
  curl -u ${id}:${secret} ${url}/v4/products/query -H 'content-type: application/json' \\
    -d '{"filter":{"status":"active"},"sorting":{"id":"ASC"},"page":{"no":0,"size":10}}'
  curl ${url}/_control/

Put this into .env:
  MEDIPIM_API_URL=${url}
  MEDIPIM_API_KEY_ID=${id}
  MEDIPIM_API_KEY_SECRET=${secret}
  ALLOW_PRIVATE_HOSTS=127.0.0.1
`
    return { url, greeting, close }
  },
}

function parseWholeNumber(name: string, text: string, low: number, high: number): number {
  const number = Number(text)
  if (Number.isInteger(number) && number >= low && number <= high) return number
  throw new Error(`${name} is a whole number from ${low} to ${high}, not "${text}"`)
}

function parseApiKey(text: string): ApiKey {
  const colon = text.indexOf(':')
  if (colon < 1 || colon === text.length - 1) throw new Error('--key is ID:SECRET')
  return { id: text.slice(0, colon), secret: text.slice(colon + 1) }
}

// The API for the command line: `npm run simulator amazon -- --products 500`.

import { parseArgs } from 'node:util'
import {
  parseChoice,
  parseResponses,
  parseWholeNumbers,
  type Running,
  type SimulatorCommand,
} from '../support/command.ts'
import { RESPONSES } from './faults.ts'
import { listMarketplaces } from './marketplaces.ts'
import { startAmazon, type AmazonOptions } from './server.ts'
import { DEFAULTS } from './switches.ts'
import { tokenPathOf } from './tokens.ts'

interface AmazonArguments extends AmazonOptions {
  /** Names in `RESPONSES`, sent for every request of items. */
  readonly responses: readonly (keyof typeof RESPONSES)[]
}

const WAITS = ['seconds', 'date', 'body', 'none'] as const
const { credential } = DEFAULTS

export const amazon: SimulatorCommand<AmazonArguments> = {
  usage: `Amazon's Creators API: tokens and getItems. B08DQQ8CBP is among its items

  --port N           port (default: a free one)
  --products N       number of items (default 50)
  --seed N           seed of the generated items (default 1)
  --version X.Y      version of the credential: 2.1 to 2.3 with a form, 3.1 to 3.3 with JSON
                     (default 3.1). Its end decides the marketplaces: .1 America, .2 Europe and
                     the Middle East, .3 the Far East
  --token-seconds N  lifetime of a token (default 3600)
  --per-second N     requests in a second, then 429
  --per-day N        requests in a day, then 429
  --retry-after FORM how a 429 states its wait: ${WAITS.join(', ')} (default seconds)
  --omit ASIN        omit this item without an error; repeatable
  --refuse ASIN      refuse this item: ItemNotAccessible; repeatable
  --absent           leave out empty containers, which are null otherwise
  --not-eligible     the account has too few sales: 403
  --retired          PA-API 5.0: 403 with its retirement
  --response NAME    always send this response for items:
                     ${Object.keys(RESPONSES).join(', ')}

Change it while it runs:
  curl URL/_control/changes -d '{"asin":"B08DQQ8CBP","priceMinor":1900,"offer":"one"}'
  curl URL/_control/switches -d '{"omitted":["B08DQQ8CBP"],"isEligible":false}'
  curl URL/_control/faults -d '{"kind":"status","status":503,"path":"/getItems*"}'
  curl URL/_control/products · curl URL/_control/stats · curl -X DELETE URL/_control/faults`,

  parseArguments(argv) {
    const text = { type: 'string' } as const
    const flag = { type: 'boolean' } as const
    const list = { type: 'string', multiple: true } as const
    const { values } = parseArgs({
      args: [...argv],
      options: {
        port: text,
        products: text,
        seed: text,
        version: text,
        'token-seconds': text,
        'per-second': text,
        'per-day': text,
        'retry-after': text,
        omit: list,
        refuse: list,
        response: list,
        absent: flag,
        'not-eligible': flag,
        retired: flag,
      },
    })
    const { products, seed, ...numbers } = parseWholeNumbers(values, {
      port: 65_535,
      products: 1_000_000,
      seed: 2 ** 32 - 1,
      'token-seconds': 86_400,
      'per-second': 1_000,
      'per-day': 1_000_000,
    })
    const refused = (values.refuse ?? []).map((asin) => [asin, 'ItemNotAccessible'] as const)
    return {
      port: numbers.port ?? 0,
      ...(products !== undefined && { products }),
      ...(seed !== undefined && { seed }),
      tokenSeconds: numbers['token-seconds'] ?? DEFAULTS.tokenSeconds,
      perSecond: numbers['per-second'] ?? null,
      perDay: numbers['per-day'] ?? null,
      credential: { ...credential, version: parseVersion(values.version ?? credential.version) },
      retryAfter: parseChoice('retry-after', values['retry-after'] ?? 'seconds', WAITS),
      omitted: values.omit ?? [],
      refused: Object.fromEntries(refused),
      nulls: values.absent !== true,
      isEligible: values['not-eligible'] !== true,
      isRetired: values.retired === true,
      responses: parseResponses(values.response ?? [], RESPONSES),
    }
  },

  async start({ responses, ...options }): Promise<Running> {
    const { url, items, faults, close } = await startAmazon(options)
    faults.set(
      ...responses.map((name) => ({ ...RESPONSES[name], path: '/getItems*', times: null })),
    )
    const { id, secret, version } = options.credential ?? credential
    const [marketplace] = listMarketplaces(version).keys()
    return {
      url,
      close,
      greeting: [
        `The Creators API with ${items.size} items at ${url}`,
        `  export ALLOW_PRIVATE_HOSTS=127.0.0.1 AMAZON_CREDENTIAL_ID=${id} AMAZON_CREDENTIAL_SECRET=${secret}`,
        `  export AMAZON_CREDENTIAL_VERSION=${version} AMAZON_PARTNER_TAG=${DEFAULTS.tags[0]}`,
        `  shelfsync add amazon --name my-amazon --marketplace ${marketplace} --set apiUrl=${url} --set tokenUrl=${url}${tokenPathOf(version)}`,
        '  shelfsync import B08DQQ8CBP',
      ].join('\n'),
    }
  },
}

function parseVersion(text: string): string {
  if (/^[23]\.[123]$/.test(text)) return text
  throw new Error(`--version must be 2.1 to 2.3 or 3.1 to 3.3, not "${text}"`)
}

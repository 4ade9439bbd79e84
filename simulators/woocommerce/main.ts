// The shop for the command line: `npm run simulator woocommerce -- --products 500`.

import { parseArgs } from 'node:util'
import {
  parseResponses,
  parseWholeNumbers,
  type Running,
  type SimulatorCommand,
} from '../support/command.ts'
import { RESPONSES } from './faults.ts'
import { startWoocommerce, type WooOptions } from './server.ts'

interface WooArguments extends WooOptions {
  /** Names in `RESPONSES`, sent for every page of products. */
  readonly responses: readonly (keyof typeof RESPONSES)[]
}

export const woocommerce: SimulatorCommand<WooArguments> = {
  usage: `A WooCommerce shop: a home page, product pages, the Store API

  --port N           port (default: a free one)
  --products N       number of generated products (default 250)
  --seed N           seed of the generated shop (default 1)
  --file PATH        serve a captured list of products, with variations in the same list
  --currency CODE    the shop's currency (default EUR)
  --decimals N       the number of decimals that the shop is set to (default 2)
  --folder PATH      the folder of the shop, such as /shop
  --plain            plain permalinks: the API is at /?rest_route= only
  --no-totals        without X-WP-Total, as behind some caches
  --empty-stubs      products list their variations without options
  --coming-soon      the shop is not open yet
  --limit STATUS     25 requests in 10 seconds, then 400 or 429
  --keys KEYS        serve the REST API to these keys: consumer key:consumer secret
  --removes-header   the web server removes the header Authorization
  --response NAME    always send this response for products:
                     ${Object.keys(RESPONSES).join(', ')}

Change it while it runs:
  curl URL/_control/changes -d '{"do":"add","count":3}'
    (add, update, price, touch, remove, restore)
  curl URL/_control/faults -d '{"kind":"status","status":503,"path":"/products?offset=99"}'
  curl URL/_control/products · curl URL/_control/stats · curl -X DELETE URL/_control/faults`,

  parseArguments(argv) {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        port: { type: 'string' },
        products: { type: 'string' },
        seed: { type: 'string' },
        file: { type: 'string' },
        currency: { type: 'string' },
        decimals: { type: 'string' },
        folder: { type: 'string' },
        plain: { type: 'boolean' },
        'no-totals': { type: 'boolean' },
        'empty-stubs': { type: 'boolean' },
        'coming-soon': { type: 'boolean' },
        limit: { type: 'string' },
        keys: { type: 'string' },
        'removes-header': { type: 'boolean' },
        response: { type: 'string', multiple: true },
      },
    })
    const { file, currency, folder, keys, limit, response = [] } = values
    const { decimals, ...numbers } = parseWholeNumbers(values, {
      port: 65_535,
      products: 1_000_000,
      seed: 2 ** 32 - 1,
      decimals: 8,
    })
    return {
      ...numbers,
      ...(decimals !== undefined && { minorUnit: decimals }),
      ...(file !== undefined && { file }),
      ...(currency !== undefined && { currency }),
      ...(folder !== undefined && { folder }),
      ...(keys !== undefined && { keys }),
      ...(limit !== undefined && { limitStatus: parseLimit(limit) }),
      permalinks: values.plain ? 'plain' : 'pretty',
      totals: !values['no-totals'],
      removesHeader: values['removes-header'] ?? false,
      stubs: values['empty-stubs'] ? 'none' : 'options',
      comingSoon: values['coming-soon'] ? 'site' : 'no',
      responses: parseResponses(response, RESPONSES),
    }
  },

  async start({ responses, ...options }): Promise<Running> {
    const { url, home, faults, shop, close } = await startWoocommerce(options)
    faults.set(
      ...responses.map((name) => ({ ...RESPONSES[name], path: '/products?*', times: null })),
    )
    const tries = [
      `curl '${home}/?rest_route=/wc/store/v1/products&per_page=1'`,
      `ALLOW_PRIVATE_HOSTS=127.0.0.1 shelfsync add ${home}`,
    ]
    return {
      url,
      close,
      greeting: [
        `A WooCommerce shop with ${shop.products().length} products at ${home}`,
        ...tries.map((command) => `  ${command}`),
      ].join('\n'),
    }
  },
}

function parseLimit(text: string): 400 | 429 {
  if (text === '400') return 400
  if (text === '429') return 429
  throw new Error(`--limit must be 400 or 429, not "${text}"`)
}

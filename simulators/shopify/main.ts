// The shop for the command line: `npm run simulator shopify -- --products 500`.

import { parseArgs } from 'node:util'
import {
  parseChoice,
  parseResponses,
  parseWholeNumbers,
  type Running,
  type SimulatorCommand,
} from '../support/command.ts'
import { RESPONSES } from './faults.ts'
import { PAGINGS, startShopify, type ShopifyOptions } from './server.ts'

interface ShopifyArguments extends ShopifyOptions {
  /** Names in `RESPONSES`, sent for every page of products. */
  readonly responses: readonly (keyof typeof RESPONSES)[]
}

export const shopify: SimulatorCommand<ShopifyArguments> = {
  usage: `A Shopify shop: /products.json, /meta.json, /cart.js

  --port N           port (default: a free one)
  --products N       number of generated products (default 300)
  --seed N           seed of the generated shop (default 1)
  --file PATH        serve a captured /products.json of any size; other formats are sent unchanged
  --currency CODE    the shop's currency (default AUD); "none" removes /meta.json
  --name TEXT        the shop's name
  --pretty           indent responses
  --errors-as-200    reject pages beyond 25,000 products with status 200 instead of 400
  --closes-list      open only the list of the collection "all"
  --agent-origin URL the origin of the shop in /.well-known/ucp (default: without this document)
  --paging HOW       honoured (default), ignored, ignored-with-limit, clamped
  --collections N    number of collections, among which the products are divided
  --admin-token KEY  serve the Admin API to this token
  --drafts N         products that only the Admin API has
  --response NAME    always send this response for products:
                     ${Object.keys(RESPONSES).join(', ')}

Change it while it runs:
  curl URL/_control/changes -d '{"do":"add","count":3}'
    (add, update, price, touch, remove, restore)
  curl URL/_control/faults -d '{"kind":"status","status":503,"path":"/products.json?page=2"}'
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
        name: { type: 'string' },
        pretty: { type: 'boolean' },
        'errors-as-200': { type: 'boolean' },
        'closes-list': { type: 'boolean' },
        paging: { type: 'string' },
        collections: { type: 'string' },
        'admin-token': { type: 'string' },
        drafts: { type: 'string' },
        'agent-origin': { type: 'string' },
        response: { type: 'string', multiple: true },
      },
    })
    const { file, currency, name, response = [] } = values
    return {
      ...parseWholeNumbers(values, {
        port: 65_535,
        products: 1_000_000,
        seed: 2 ** 32 - 1,
        collections: 10_000,
        drafts: 1_000_000,
      }),
      ...(file !== undefined && { file }),
      ...(currency !== undefined && { currency: currency === 'none' ? null : currency }),
      ...(name !== undefined && { name }),
      pretty: values.pretty ?? false,
      closesList: values['closes-list'] ?? false,
      ...(values.paging !== undefined && { paging: parseChoice('paging', values.paging, PAGINGS) }),
      adminToken: values['admin-token'] ?? null,
      agentOrigin: values['agent-origin'] ?? null,
      reachStatus: values['errors-as-200'] ? 200 : 400,
      responses: parseResponses(response, RESPONSES),
    }
  },

  async start({ responses, ...options }): Promise<Running> {
    const { url, faults, shop, close } = await startShopify(options)
    faults.set(
      ...responses.map((name) => ({ ...RESPONSES[name], path: '/products.json*', times: null })),
    )
    const what = options.file ?? `${shop.products().length} products`
    const tries = [
      `curl '${url}/products.json?limit=1'`,
      `ALLOW_PRIVATE_HOSTS=127.0.0.1 shelfsync add ${url}`,
    ]
    return {
      url,
      close,
      greeting: [
        `A Shopify shop with ${what} at ${url}`,
        ...tries.map((command) => `  ${command}`),
      ].join('\n'),
    }
  },
}

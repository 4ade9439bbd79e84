// The shop for the command line: `npm run simulator shopify -- --products 500`.

import { parseArgs } from 'node:util'
import type { Running, SimulatorCommand } from '../support/command.ts'
import { ANSWERS } from './faults.ts'
import { startShopify, type ShopifyOptions } from './server.ts'

interface ShopifyArguments extends ShopifyOptions {
  /** Names out of `ANSWERS`: what it gives for every page of products. */
  readonly answers: readonly (keyof typeof ANSWERS)[]
}

export const shopify: SimulatorCommand<ShopifyArguments> = {
  usage: `A Shopify shop: /products.json, /meta.json, /cart.js

  --port N           listen there (default: any free port)
  --products N       how many made-up products (default 300)
  --seed N           another made-up shop (default 1)
  --file PATH        serve a captured /products.json, of any size; other shapes are served as they are
  --currency CODE    the shop's currency (default AUD); "none" takes /meta.json away
  --name TEXT        the shop's name
  --pretty           answers over many lines
  --errors-as-200    refuse pages beyond 25,000 products with status 200 instead of 400
  --answer NAME      always answer for products with one of: ${Object.keys(ANSWERS).join(', ')}

Change it while it runs:
  curl -X POST URL/_control/changes -d '{"do":"add","count":3}'      add, update, price, touch, remove, restore
  curl -X POST URL/_control/faults -d '{"kind":"status","status":503,"path":"/products.json?page=2","times":1}'
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
        answer: { type: 'string', multiple: true },
      },
    })
    const { file, currency, name, answer = [] } = values
    return {
      ...(values.port !== undefined && { port: parseWholeNumber('port', values.port, 65_535) }),
      ...(values.products !== undefined && {
        products: parseWholeNumber('products', values.products, 1_000_000),
      }),
      ...(values.seed !== undefined && {
        seed: parseWholeNumber('seed', values.seed, 2 ** 32 - 1),
      }),
      ...(file !== undefined && { file }),
      ...(currency !== undefined && { currency: currency === 'none' ? null : currency }),
      ...(name !== undefined && { name }),
      pretty: values.pretty ?? false,
      reachStatus: values['errors-as-200'] ? 200 : 400,
      answers: answer.map(answerName),
    }
  },

  async start({ answers, ...options }): Promise<Running> {
    const { url, faults, shop, close } = await startShopify(options)
    faults.set(
      ...answers.map((name) => ({ ...ANSWERS[name], path: '/products.json*', times: null })),
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

function parseWholeNumber(name: string, text: string, max: number): number {
  const number = Number(text)
  if (!/^\d+$/.test(text) || number > max)
    throw new Error(`--${name} must be a whole number up to ${max}, not "${text}"`)
  return number
}

function answerName(text: string): keyof typeof ANSWERS {
  const known = Object.keys(ANSWERS).find((name): name is keyof typeof ANSWERS => name === text)
  if (!known)
    throw new Error(`--answer must be one of ${Object.keys(ANSWERS).join(', ')}, not "${text}"`)
  return known
}

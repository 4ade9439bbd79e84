// The site for the command line: `npm run simulator website -- --products 500`.

import { parseArgs } from 'node:util'
import type { Running, SimulatorCommand } from '../support/command.ts'
import { parsePort } from '../support/port.ts'
import { RESPONSES } from './faults.ts'
import { startWebsite, type SiteOptions } from './server.ts'

interface SiteArguments extends SiteOptions {
  /** Names in `RESPONSES`, sent for every page of a product. */
  readonly responses: readonly (keyof typeof RESPONSES)[]
}

const CHOICES = {
  notation: ['json-ld', 'microdata', 'open-graph', 'script'],
  sitemap: ['index', 'gz', 'single', 'unstated', 'none'],
  lastmod: ['right', 'now', 'frozen', 'none'],
  validators: ['both', 'etag', 'last-modified', 'none'],
  aliases: ['none', 'redirect', 'canonical'],
} as const

export const website: SimulatorCommand<SiteArguments> = {
  usage: `A website with products: robots.txt, sitemaps, pages

  --port N            port (default: a free one)
  --products N        number of generated products (default 50)
  --seed N            seed of the generated products (default 1)
  --others N          number of pages that are not of products (default 5)
  --notation NAME     ${CHOICES.notation.join(', ')}; script: no data before scripts have run
  --sitemap NAME      ${CHOICES.sitemap.join(', ')}
  --lastmod NAME      ${CHOICES.lastmod.join(', ')}
  --validators NAME   ${CHOICES.validators.join(', ')}
  --aliases NAME      a second address of each product: ${CHOICES.aliases.join(', ')}
  --robots LINE       a line of robots.txt for all programs, such as "Crawl-delay: 2"; repeatable
  --soft-missing      pages that do not exist respond 200
  --moved             pages of products redirect
  --response NAME     always send this response for products:
                      ${Object.keys(RESPONSES).join(', ')}

Change it while it runs:
  curl URL/_control/changes -d '{"do":"add","count":3}'
    (add, update, price, touch, remove, restore)
  curl URL/_control/faults -d '{"kind":"status","status":503,"path":"/products/item-00007"}'
  curl URL/_control/products · curl URL/_control/stats · curl -X DELETE URL/_control/faults`,

  parseArguments(argv) {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        port: { type: 'string' },
        products: { type: 'string' },
        seed: { type: 'string' },
        others: { type: 'string' },
        notation: { type: 'string' },
        sitemap: { type: 'string' },
        lastmod: { type: 'string' },
        validators: { type: 'string' },
        aliases: { type: 'string' },
        robots: { type: 'string', multiple: true },
        'soft-missing': { type: 'boolean' },
        moved: { type: 'boolean' },
        response: { type: 'string', multiple: true },
      },
    })
    const { robots = [], response = [] } = values
    return {
      port: parsePort(values.port),
      ...parseCount('products', values.products),
      ...parseCount('seed', values.seed),
      ...parseCount('others', values.others),
      ...parseChoice('notation', values.notation),
      ...parseChoice('sitemap', values.sitemap),
      ...parseChoice('lastmod', values.lastmod),
      ...parseChoice('validators', values.validators),
      ...parseChoice('aliases', values.aliases),
      robots,
      softMissing: values['soft-missing'] ?? false,
      moved: values.moved ?? false,
      responses: response.map(parseResponseName),
    }
  },

  async start({ responses, ...options }): Promise<Running> {
    const { url, faults, catalogue, close } = await startWebsite(options)
    faults.set(
      ...responses.map((name) => ({ ...RESPONSES[name], path: '/products/*', times: null })),
    )
    const tries = [`curl ${url}/robots.txt`, `ALLOW_PRIVATE_HOSTS=127.0.0.1 shelfsync add ${url}`]
    return {
      url,
      close,
      greeting: [
        `A website with ${catalogue.products().length} products at ${url}`,
        ...tries.map((command) => `  ${command}`),
      ].join('\n'),
    }
  },
}

function parseCount<Name extends string>(
  name: Name,
  text: string | undefined,
): { [Key in Name]?: number } {
  if (text === undefined) return {}
  if (!/^\d{1,7}$/.test(text))
    throw new Error(`--${name} must be a whole number up to 9999999, not "${text}"`)
  return { [name]: Number(text) } as { [Key in Name]?: number }
}

function parseChoice<Name extends keyof typeof CHOICES>(
  name: Name,
  text: string | undefined,
): { [Key in Name]?: (typeof CHOICES)[Key][number] } {
  if (text === undefined) return {}
  const choices: readonly string[] = CHOICES[name]
  if (!choices.includes(text))
    throw new Error(`--${name} must be one of ${choices.join(', ')}, not "${text}"`)
  return { [name]: text } as { [Key in Name]?: (typeof CHOICES)[Key][number] }
}

function parseResponseName(text: string): keyof typeof RESPONSES {
  const known = Object.keys(RESPONSES).find((name): name is keyof typeof RESPONSES => name === text)
  if (!known)
    throw new Error(`--response must be one of ${Object.keys(RESPONSES).join(', ')}, not "${text}"`)
  return known
}

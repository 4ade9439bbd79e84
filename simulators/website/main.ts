// The site for the command line: `npm run simulator website -- --products 500`.

import { parseArgs } from 'node:util'
import {
  parseChoice,
  parseResponses,
  parseWholeNumbers,
  type Running,
  type SimulatorCommand,
} from '../support/command.ts'
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
      ...parseWholeNumbers(values, {
        port: 65_535,
        products: 9_999_999,
        seed: 9_999_999,
        others: 9_999_999,
      }),
      ...parseOption('notation', values.notation),
      ...parseOption('sitemap', values.sitemap),
      ...parseOption('lastmod', values.lastmod),
      ...parseOption('validators', values.validators),
      ...parseOption('aliases', values.aliases),
      robots,
      softMissing: values['soft-missing'] ?? false,
      moved: values.moved ?? false,
      responses: parseResponses(response, RESPONSES),
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

function parseOption<Name extends keyof typeof CHOICES>(
  name: Name,
  text: string | undefined,
): { [Key in Name]?: (typeof CHOICES)[Key][number] } {
  if (text === undefined) return {}
  const choice = parseChoice<string>(name, text, CHOICES[name])
  return { [name]: choice } as { [Key in Name]?: (typeof CHOICES)[Key][number] }
}

// Firecrawl for the command line: `npm run simulator firecrawl -- --key fc-test`.

import { parseArgs } from 'node:util'
import { parseWholeNumbers, type Running, type SimulatorCommand } from '../support/command.ts'
import { startFirecrawl, type FirecrawlSwitches } from './server.ts'

type FirecrawlArguments = FirecrawlSwitches & { readonly port?: number }

export const firecrawl: SimulatorCommand<FirecrawlArguments> = {
  usage: `Firecrawl's API version 2: /v2/map, /v2/scrape, /v2/team/credit-usage

  --port N       port (default: a free one)
  --key KEY      the key that it accepts (default: none is needed, as when it is self-hosted)
  --omit-html    respond with a warning in place of HTML`,

  parseArguments(argv) {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        port: { type: 'string' },
        key: { type: 'string' },
        'omit-html': { type: 'boolean' },
      },
    })
    return {
      ...parseWholeNumbers(values, { port: 65_535 }),
      key: values.key ?? null,
      omitsHtml: values['omit-html'] ?? false,
    }
  },

  async start(options): Promise<Running> {
    const { url, close } = await startFirecrawl(options)
    return { url, close, greeting: `Firecrawl at ${url}\n  FIRECRAWL_URL=${url}` }
  },
}

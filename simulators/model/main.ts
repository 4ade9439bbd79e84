// The endpoint for the command line: `npm run simulator model -- --key secret`.

import { parseArgs } from 'node:util'
import { parseWholeNumbers, type Running, type SimulatorCommand } from '../support/command.ts'
import { startModel, type ModelOptions } from './server.ts'

export const model: SimulatorCommand<ModelOptions> = {
  usage: `The endpoint of a language model: chat completions with structured output

  --port N           port (default: a free one)
  --key TEXT         the key that requests need (default: none)

Change it while it runs:
  curl URL/_control/faults -d '{"kind":"lie","times":null}'
    (lie, misquote, echo, ramble, contradict, volunteer, decline, stop-short, content, status, …)
  curl URL/_control/stats · curl -X DELETE URL/_control/faults`,

  parseArguments(argv) {
    const options = { port: { type: 'string' }, key: { type: 'string' } } as const
    const { values } = parseArgs({ args: [...argv], options })
    return { ...parseWholeNumbers(values, { port: 65_535 }), key: values.key ?? null }
  },

  async start(options): Promise<Running> {
    const { url, close } = await startModel(options)
    const settings = [
      `LLM_URL=${url}`,
      'LLM_MODEL=simulated',
      ...(options.key == null ? [] : [`LLM_KEY=${options.key}`]),
    ]
    return {
      url,
      close,
      greeting: [
        `A language model (simulated) at ${url}`,
        'Put this into .env:',
        ...settings.map((line) => `  ${line}`),
      ].join('\n'),
    }
  },
}

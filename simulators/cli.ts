// `npm run simulator NAME -- …`: starts a simulator and runs until Ctrl-C. A new simulator is one
// line in SIMULATORS.

import type { Running, SimulatorCommand } from './support/command.ts'

type Start = (argv: readonly string[]) => Promise<Running | string>

/** One line per folder, loaded on demand. */
const SIMULATORS: Readonly<Record<string, Start>> = {
  amazon: async (argv) => run((await import('./amazon/main.ts')).amazon, argv),
  firecrawl: async (argv) => run((await import('./firecrawl/main.ts')).firecrawl, argv),
  medipim: async (argv) => run((await import('./medipim/main.ts')).medipim, argv),
  model: async (argv) => run((await import('./model/main.ts')).model, argv),
  shopify: async (argv) => run((await import('./shopify/main.ts')).shopify, argv),
  storage: async (argv) => run((await import('./storage/main.ts')).storage, argv),
  webhooks: async (argv) => run((await import('./webhooks/main.ts')).webhooks, argv),
  website: async (argv) => run((await import('./website/main.ts')).website, argv),
  woocommerce: async (argv) => run((await import('./woocommerce/main.ts')).woocommerce, argv),
}

async function run<Options>(
  simulator: SimulatorCommand<Options>,
  argv: readonly string[],
): Promise<Running | string> {
  return argv.includes('--help') ? simulator.usage : simulator.start(simulator.parseArguments(argv))
}

async function main([name = '', ...argv]: readonly string[]): Promise<void> {
  const start = SIMULATORS[name]
  const names = Object.keys(SIMULATORS).join(', ')
  if (start === undefined)
    throw new Error(`npm run simulator NAME -- [options]\nNAME is one of: ${names}`)
  const running = await start(argv)
  if (typeof running === 'string') {
    console.log(running)
    return
  }
  console.log(running.greeting)
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void running.close())
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

// `shelfsync mcp`: serves the tools for agents over standard input and output, until the agent
// closes it.

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { Command } from 'commander'
import { createKeyRedactor, createRedactor } from '../telemetry/redact.ts'
import { type Cli, EXIT, formatExamples } from './cli.ts'

/** Deadline of a tool. */
const TOOL_MS = 15_000

export function defineMcp(command: Command, cli: Cli): void {
  command.addHelpText('after', formatExamples('shelfsync mcp')).action(() => serveMcp(cli))
}

/** The SDK is imported here, because other commands start faster without it. */
async function serveMcp(cli: Cli): Promise<void> {
  const [{ serveStdio }, { createMcpServer }] = await Promise.all([
    import('@modelcontextprotocol/server/stdio'),
    import('../http/mcp/server.ts'),
  ])
  const settings = await cli.readSettings()
  const signal = cli.createStopSignal('stopping', { code: EXIT.green, say: () => undefined })
  await using tools = await cli.open()
  const { db, log } = tools
  const redactKeys = createKeyRedactor(settings.secrets)
  const redact = createRedactor([], settings.secrets)
  const served = serveStdio(
    () =>
      createMcpServer({
        db,
        log,
        redact,
        redactKeys,
        responseMs: TOOL_MS,
        correlationId: randomUUID(),
      }),
    {
      onerror: (error) => log.warn({ cause: error.message }, 'a message of the agent was refused'),
    },
  )
  await Promise.race([
    once(process.stdin, 'end'),
    once(process.stdin, 'close'),
    once(signal, 'abort'),
  ])
  await served.close()
}

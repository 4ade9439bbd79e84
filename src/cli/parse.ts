// `shelfsync parse`: reads texts of shops as JSON lines and prints what the normaliser reads in
// them. It needs no database and no settings.

import type { Command } from 'commander'
import { SyncError } from '../core/errors.ts'
import { PARSE_FIELDS } from '../normalise/parse-field.ts'
import { type Cli, EXIT, formatExamples } from './cli.ts'
import { parseLines } from '../normalise/parse-lines.ts'
import { writeBytes } from './terminal/write-bytes.ts'

export function defineParse(command: Command, cli: Cli): void {
  command
    .addHelpText(
      'after',
      formatExamples(
        `echo '{"input":"250g / Aeropress","field":"variant_title"}' | shelfsync parse`,
        `echo '{"input":"1.299,00 €","field":"price_text"}' | shelfsync parse | jq .amount_minor`,
        'cat texts.ndjson | shelfsync parse > parsed.ndjson',
      ),
    )
    .addHelpText(
      'after',
      `
Each line of standard input is an object with "input", the text, and "field", where it stands:
${PARSE_FIELDS.join(', ')}.
A price may have "currency" and "decimal_separator", those of the shop. Each line of the output has
every value by its name, null where the text does not state it, and in "provenance" the words and
the rule behind each value. Lines that cannot be read are reported with their numbers on standard error;
then the exit code is 1.`,
    )
    .action(() => parse(cli))
}

async function parse(cli: Cli): Promise<void> {
  const report = (message: string): void => {
    cli.end(EXIT.failed)
    cli.output.error(new SyncError('usage/invalid', message))
  }
  await writeBytes(toBytes(parseLines(cli.input, report)))
}

async function* toBytes(lines: AsyncIterable<string>): AsyncGenerator<Buffer> {
  for await (const line of lines) yield Buffer.from(line)
}

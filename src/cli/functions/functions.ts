// `shelfsync functions copy DIR`: copies the edge functions into a project that the Supabase CLI
// deploys.

import type { Command } from 'commander'
import { type Cli, formatExamples } from '../cli.ts'
import { printList } from '../terminal/list.ts'
import { copyFunctions } from './copy-functions.ts'

export function defineFunctions(functions: Command, cli: Cli): void {
  const example = formatExamples('shelfsync functions copy supabase/functions')
  functions.addHelpText('after', example)
  functions
    .command('copy')
    .argument('<dir>', "your project's folder of functions; created if it does not exist")
    .description(
      'copy the edge functions for Amazon into a Supabase project for its own `supabase functions deploy`, and add them to config.toml',
    )
    .addHelpText('after', example)
    .action((directory: string) => copyToProject(cli, directory))
}

async function copyToProject({ output }: Cli, directory: string): Promise<void> {
  const copied = await copyFunctions(directory)
  printList(output, copied, {
    headings: ['file', 'outcome'],
    rows: copied.map(({ file, outcome }) => [file, outcome]),
    empty: 'This version has no functions.',
  })
  if (copied.some(({ outcome }) => outcome === 'kept'))
    output.note(
      'files that you have changed were kept; move them away to get those of this version',
    )
  if (copied.some(({ outcome }) => outcome === 'copied' || outcome === 'updated'))
    output.note(
      'deploy them with `supabase functions deploy`; docs/deploy/supabase.md lists the secrets',
    )
}

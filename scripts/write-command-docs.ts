// Writes docs/commands.md from the definitions of the commands.

import type { Command, Option } from 'commander'
import { listExamples, listCommands, createSilentProgram } from './support/commands.ts'
import { formatTable, writeGenerated } from './support/generated.ts'

const program = await createSilentProgram()

const lines = [
  '# Commands',
  '',
  'In a clone, run `npx shelfsync COMMAND`. `--help` after a command prints the same information.',
  '`scripts/write-command-docs.ts` writes this page from `src/cli/`. See also the [exit codes](operations.md#exit-codes).',
  '',
  'Every command takes these options:',
  '',
  ...formatTable(['option', 'meaning'], program.options.map(describeOption)),
]
for (const { name, command } of listCommands(program)) lines.push('', ...section(name, command))

function section(name: string, command: Command): string[] {
  const rows = [
    ...command.registeredArguments.map((argument) => [
      `\`${argument.required ? `<${argument.name()}>` : `[${argument.name()}]`}\``,
      argument.description,
    ]),
    ...command.options.map(describeOption),
  ]
  const usage = isDefault(command)
    ? ` (the default of \`shelfsync ${name.replace(/ list$/, '')}\`)`
    : ''
  return [
    `## ${name}`,
    '',
    `${capitalise(command.description())}${usage}.`,
    '',
    ...(rows.length === 0 ? [] : [...formatTable(['argument or option', 'meaning'], rows), '']),
    '```sh',
    ...listExamples(command),
    '```',
  ]
}

/** Only numeric defaults are printed; others depend on the user, such as the name in `--by`. */
function describeOption({ flags, description, defaultValue }: Option): string[] {
  return [
    `\`${flags}\``,
    typeof defaultValue === 'number' ? `${description} (${defaultValue})` : description,
  ]
}

function isDefault(command: Command): boolean {
  return command.parent?.parent != null && command.name() === 'list'
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

await writeGenerated({ 'docs/commands.md': `${lines.join('\n')}\n` })

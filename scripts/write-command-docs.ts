// Writes docs/commands.md from the command line itself.

import type { Command, Option } from 'commander'
import { examplesOf, listCommands, silentProgram } from './support/commands.ts'
import { markdownTable, writeGenerated } from './support/generated.ts'

const program = silentProgram()

const lines = [
  '# Commands',
  '',
  'In a clone: `npx shelfsync COMMAND`; `--help` after any of them says what stands here.',
  'This page is written by `scripts/write-command-docs.ts` from `src/cli/`. What exit codes mean stands in [operations.md](operations.md#exit-codes).',
  '',
  'Every command takes:',
  '',
  ...markdownTable(['option', ''], program.options.map(describeOption)),
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
    ? ` (also plain \`shelfsync ${command.parent?.name() ?? ''}\`)`
    : ''
  return [
    `## ${name}`,
    '',
    `${capitalise(command.description())}${usage}.`,
    '',
    ...(rows.length === 0 ? [] : [...markdownTable(['argument or option', ''], rows), '']),
    '```sh',
    ...examplesOf(command),
    '```',
  ]
}

/** Defaults that depend on who asks, such as a name, are not written down. */
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

// Errors of a command line: the fault, what was probably meant, the usage and an example. A
// command that destroys or decides something is never suggested, only its help.

import type { Command, CommanderError } from 'commander'
import { SyncError } from '../core/errors.ts'
import { findSimilar } from '../lib/similar.ts'

const DANGEROUS: readonly string[] = [
  'remove',
  'purge',
  'cancel',
  'approve',
  'reject',
  'discard',
  'stop',
  '--everything',
  '--yes',
  '--revoke',
]

/** Other words for the verbs of groups. */
const SYNONYMS: Readonly<Record<string, string>> = {
  ls: 'list',
  get: 'show',
  view: 'show',
  cat: 'show',
  delete: 'remove',
  rm: 'remove',
}

/** The commands that a verb without its group may mean. */
const WITHOUT_GROUP: Readonly<Record<string, string>> = {
  list: '`shelfsync sources list` or `shelfsync runs list`',
  show: '`shelfsync sources show`, `shelfsync runs show` or `shelfsync quarantine show`',
  remove: '`shelfsync sources --help`',
}

export class UsageError extends SyncError {
  readonly #hint: string

  constructor(message: string, hint: string, cause?: SyncError) {
    super('usage/invalid', message, { cause })
    this.#hint = hint
  }

  override get hint(): string {
    return this.#hint
  }
}

/** Returns the error of a command line that commander or an action refuses. */
export function toUsageError(
  program: Command,
  args: readonly string[],
  error: CommanderError | SyncError,
): UsageError {
  const command = findCommand(program, args)
  if (error instanceof SyncError)
    return new UsageError(error.message, `See \`${formatName(command)} --help\`.`, error)
  const group = command.parent === program ? command : (command.parent ?? command)
  const isDefault = command !== group && !args.includes(command.name())
  const [first] = command.args
  if (error.code === 'commander.unknownCommand' && first !== undefined)
    return createUnknownError(command, first)
  if (isDefault && first !== undefined && !first.startsWith('-') && takesNone(command))
    return createUnknownError(group, first)
  return new UsageError(
    `${formatName(command)}: ${describeFault(program, command, error)}`,
    formatUsage(command),
  )
}

/** The command that the words name: with a group alone, its default. */
function findCommand(program: Command, args: readonly string[]): Command {
  const words = args.filter((word) => !word.startsWith('-'))
  const find = (group: Command, name: string | undefined): Command | undefined =>
    group.commands.find((one) => one.name() === name)
  const top = find(program, words[0] === 'help' ? words[1] : words[0])
  if (top === undefined) return program
  const [, verb] = words
  const isGroup = top.commands.length > 0
  return isGroup ? (find(top, verb) ?? find(top, 'list') ?? top) : top
}

function takesNone({ registeredArguments }: Command): boolean {
  return registeredArguments.length === 0
}

function createUnknownError(group: Command, word: string): UsageError {
  const names = group.commands.map((command) => command.name())
  const path = formatName(group)
  const what = group.parent === null ? `Unknown command ${word}` : `${path} has no ${word}`
  const help = `See \`${path} --help\`.`
  const verb = Object.hasOwn(SYNONYMS, word) ? SYNONYMS[word] : word
  const meant = verb !== undefined && names.includes(verb) ? verb : findSimilar(word, names)
  if (meant !== null && !DANGEROUS.includes(meant))
    return new UsageError(`${what}; did you mean \`${path} ${meant}\`?`, help)
  const elsewhere =
    group.parent === null && Object.hasOwn(WITHOUT_GROUP, verb ?? '')
      ? WITHOUT_GROUP[verb ?? '']
      : null
  return new UsageError(what, elsewhere == null ? help : `See ${elsewhere}.`)
}

function describeFault(program: Command, command: Command, error: CommanderError): string {
  const { code, message } = error
  if (code === 'commander.help') return 'a command is missing'
  const [quoted = '', other = ''] = [...message.matchAll(/'([^']*)'/g)].map(([, text]) => text)
  const flag = (text: string): string =>
    text.split(/[ ,]/).find((word) => word.startsWith('--')) ?? text
  if (code === 'commander.missingArgument') return `${describeArgument(command, quoted)} is missing`
  if (code === 'commander.unknownOption') return describeOption(program, command, quoted)
  if (code === 'commander.optionMissingArgument') return `${flag(quoted)} needs a value: ${quoted}`
  if (code === 'commander.conflictingOption')
    return `${flag(quoted)} and ${flag(other)} cannot be given together`
  if (code === 'commander.excessArguments') {
    const extra = command.args.slice(command.registeredArguments.length).join(' ')
    return takesNone(command)
      ? `it takes no argument, not ${extra}`
      : `${extra} is one argument too many`
  }
  if (code === 'commander.invalidArgument') return describeInvalid(message)
  return message.replace(/^error: /, '')
}

/** Commander: `option '--since <time>' argument 'soon' is invalid. It must be …`. */
function describeInvalid(message: string): string {
  const option = /^error: option '(?:-\w, )?(\S+).*?' argument '([^]*)' is invalid\. ([^]*)$/.exec(
    message,
  )
  const argument =
    /^error: command-argument value '([^]*)' is invalid for argument '(\S+?)'\. ([^]*)$/.exec(
      message,
    )
  if (option) return `${option[1]} ${option[2]} is not valid. ${option[3]}`
  if (argument) return `<${argument[2]}> ${argument[1]} is not valid. ${argument[3]}`
  return message.replace(/^error: /, '')
}

function describeArgument({ registeredArguments }: Command, name: string): string {
  const description = registeredArguments.find((one) => one.name() === name)?.description ?? ''
  return `the argument <${name}>${description === '' ? '' : ` (${description})`}`
}

function describeOption(program: Command, command: Command, option: string): string {
  const meant = findSimilar(option, listFlags(program, command))
  const isOffered = meant !== null && !DANGEROUS.includes(meant)
  return `unknown option ${option}${isOffered ? `; did you mean ${meant}?` : ''}`
}

function listFlags(program: Command, command: Command): string[] {
  return [...command.options, ...program.options].map(({ long }) => long ?? '')
}

function formatName(command: Command): string {
  return command.parent === null
    ? command.name()
    : `${formatName(command.parent)} ${command.name()}`
}

function formatUsage(command: Command): string {
  let help = ''
  command.configureOutput({ writeOut: (text) => void (help += text) })
  command.outputHelp()
  const example = /^ {2}\$ (.+)$/m.exec(help)?.[1]
  const usage = `${formatName(command)} ${command.usage()}`.trimEnd()
  return `Usage: ${usage}${example === undefined ? '' : `\n       Example: ${example}`}`
}

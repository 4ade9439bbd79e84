// What the papers say exists: commands, options, SQL, links, files, npm scripts and settings.
// Nothing of it is carried out but the SQL, against a database that the migrations made.

import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import project from '../package.json' with { type: 'json' }
import { silentProgram } from '../scripts/support/commands.ts'
import { SETTING_NAMES } from '../src/config/settings-schema.ts'
import { testDatabase } from './support/database.ts'

const root = fileURLToPath(new URL('../', import.meta.url))

/** Read by tests and scripts, not by Shelfsync. */
const OTHER_VARIABLES = ['TEST_POSTGRES']

interface Page {
  readonly path: string
  readonly text: string
  readonly fences: readonly { readonly language: string; readonly code: string }[]
  /** What stands between backticks in the running text. */
  readonly inline: readonly string[]
}

const pages = globSync(['*.md', 'docs/**/*.md', 'src/**/*.md'], { cwd: root }).map(readPage)

function readPage(path: string): Page {
  const text = readFileSync(join(root, path), 'utf8')
  const fence = /^```(\w*)\n([\s\S]*?)^```$/gm
  const fences = [...text.matchAll(fence)].map(([, language = '', code = '']) => ({
    language,
    code,
  }))
  return {
    path,
    text,
    fences,
    inline: [...text.replaceAll(fence, '').matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code),
  }
}

/** The command lines of ours in a piece of code, without what a shell would do with them. */
function commandsIn(code: string): string[][] {
  const lines = [
    ...code.matchAll(/(?<![\w/.-])shelfsync ((?:'[^'\n]*'|"[^"\n]*"|[^'"\n|>#&;`])+)/g),
  ]
  return lines.map(([, line = '']) =>
    [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
      ([, single, double, word]) => single ?? double ?? word ?? '',
    ),
  )
}

function understand(args: readonly string[]): void {
  silentProgram().parse([...args], { from: 'user' })
}

/**
 * Only that such a command and such options exist: in running text the arguments are missing or
 * only hinted at.
 */
function recognise(args: readonly string[]): void {
  const program = silentProgram()
  let command = program
  for (const word of args) {
    const next = command.commands.find((candidate) => candidate.name() === word)
    if (!next) break
    command = next
  }
  if (args[0] !== undefined && !args[0].startsWith('-') && args[0] !== 'COMMAND')
    assert.notEqual(command, program, `there is no command ${args[0]}`)
  for (const option of args.filter((word) => word.startsWith('--') && word !== '--help')) {
    assert.ok(
      [...command.options, ...program.options].some(({ long }) => long === option),
      `${args.join(' ')}: there is no option ${option}`,
    )
  }
}

/** GitHub's anchors: https://docs.github.com/en/get-started/writing-on-github (section links). */
function anchorsOf(text: string): Set<string> {
  return new Set(
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

for (const { path, text, fences, inline } of pages) {
  suite(path, () => {
    test('every command line in a shell example is understood', () => {
      for (const { code } of fences.filter(({ language }) => language === 'sh'))
        for (const args of commandsIn(code)) understand(args)
    })

    test('every command and option that is mentioned exists', () => {
      for (const code of [
        ...inline,
        ...fences.filter(({ language }) => language !== 'sh').map((fence) => fence.code),
      ])
        commandsIn(code).forEach(recognise)
    })

    test('every link leads somewhere', () => {
      for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
        const [file = '', anchor] = target.split('#')
        const found = file === '' ? join(root, path) : join(root, dirname(path), file)
        assert.ok(existsSync(found), target)
        if (anchor !== undefined)
          assert.ok(anchorsOf(readFileSync(found, 'utf8')).has(anchor), target)
      }
    })

    test('every file that is mentioned exists', () => {
      for (const code of [...inline, ...fences.map((fence) => fence.code)]) {
        for (const [file] of code.matchAll(
          /(?<![\w/.$@-])(?:src|docs|scripts|simulators|supabase|test|bench|bin)\/[\w./-]*\w(?![\w./-]*[*<])/g,
        )) {
          assert.ok(/my-supplier/.test(file) || existsSync(join(root, file)), file)
        }
      }
    })

    test('every npm script that is mentioned exists', () => {
      for (const [, script = ''] of text.matchAll(/\bnpm (?:run )?(start|test|(?<=run )[\w:]+)/g))
        assert.ok(Object.hasOwn(project.scripts, script), script)
    })

    test('every variable that is mentioned is a setting', () => {
      const known: readonly string[] = [...SETTING_NAMES, ...OTHER_VARIABLES]
      for (const code of [
        ...inline,
        ...fences.filter(({ language }) => language !== 'sql').map((fence) => fence.code),
      ]) {
        for (const [name] of code.matchAll(/\b[A-Z][A-Z0-9]*_[A-Z0-9_]*[A-Z0-9]\b/g))
          assert.ok(known.includes(name), name)
      }
    })
  })
}

test('every SQL example runs', async (t) => {
  const { pool } = await testDatabase(t)
  for (const { path, fences } of pages) {
    for (const { code } of fences.filter(({ language }) => language === 'sql')) {
      // A role outlives its database.
      await pool
        .query(`begin; ${code} rollback`)
        .catch((cause: unknown) => assert.fail(`${path}: ${String(cause)}\n${code}`))
    }
  }
})

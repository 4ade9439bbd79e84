// The pages name only things that exist: commands, options, SQL, links, files, npm scripts,
// settings, types and functions. Only the SQL is executed, on a migrated database.

import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import project from '../package.json' with { type: 'json' }
import { isSourceVariable } from '../src/core/credentials.ts'
import { findReaders, SETTING_NAMES } from '../src/config/settings-schema.ts'
import { ROLES } from '../src/core/roles.ts'
import { isWebhookVariable } from '../src/core/webhook-variables.ts'
import { SyncBody } from '../src/http/control/request-schemas.ts'
import { findCommand, listCommandLines, parseCommand } from './support/command-lines.ts'
import { openTestDatabase } from './support/database.ts'
import { readPage } from './support/pages.ts'
import { SUPABASE_EXTENSIONS } from './support/supabase-extensions.ts'

const root = fileURLToPath(new URL('../', import.meta.url))

/** Variables that tests, scripts and the sync workflow read, and those that commands write and flyctl reads. */
const OTHER_VARIABLES = [
  'COMPOSE_ENV_FILES',
  'COMPOSE_FILE',
  'POSTGRES_PASSWORD',
  'FETCHER_DATABASE_URL',
  'MAINTAINER_DATABASE_URL',
  'ORCHESTRATOR_DATABASE_URL',
  'IMAGES_DATABASE_URL',
  'WEB_DATABASE_URL',
  'DELIVER_DATABASE_URL',
  'SERVICES_DATABASE_URL',
  'FLY_API_TOKEN',
  'NO_COLOR',
  'FORCE_COLOR',
  'TEST_POSTGRES',
  'MEDIPIM_ADMIN_KEY',
  'SHELFSYNC_URL',
  'SYNC_RETRY_MINUTES',
  'SYNC_TIMEOUT_MINUTES',
  'SYNC_POLL_SECONDS',
  // src/edge/environment.ts reads these.
  'CRON_TOKEN',
  'FUNCTION_SECONDS',
  'SUPABASE_SECRET_KEYS',
]

/** The names of earlier documents, which are the first cells of docs/coming-from.md. */
const FIRST_CELL = /^\|[^|]*\|/gm

/** `name` in `src/file.ts`, with or without a link. */
const NAME_IN_FILE = /`(\w+)` in\s+\[?`(src\/[\w./-]+\.ts)`/g

const pages = globSync(['*.md', 'docs/**/*.md', 'src/**/*.md'], { cwd: root }).map((path) =>
  readPage(path, { without: path === 'docs/coming-from.md' ? FIRST_CELL : null }),
)

/** GitHub's anchors: https://docs.github.com/en/get-started/writing-on-github (section links). */
function listAnchors(text: string): Set<string> {
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
    test('every command line in a shell example can be parsed', async () => {
      for (const { code } of fences.filter(({ language }) => language === 'sh'))
        for (const args of listCommandLines(code)) await parseCommand(args)
    })

    test('every command and option that is mentioned exists', async () => {
      for (const code of [
        ...inline,
        ...fences.filter(({ language }) => language !== 'sh').map((fence) => fence.code),
      ])
        for (const args of listCommandLines(code)) await findCommand(args)
    })

    test('every link has a target', () => {
      for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
        const [file = '', anchor] = target.split('#')
        const found = file === '' ? join(root, path) : join(root, dirname(path), file)
        assert.ok(existsSync(found), target)
        if (anchor !== undefined)
          assert.ok(listAnchors(readFileSync(found, 'utf8')).has(anchor), target)
      }
    })

    test('every file that is mentioned exists', () => {
      for (const code of [...inline, ...fences.map((fence) => fence.code)]) {
        for (const [file] of code.matchAll(
          /(?<![\w/.$@-])(?:src|docs|scripts|simulators|supabase|test|bench|bin)\/[\w./-]*\w(?![\w./-]*[*<])/g,
        )) {
          assert.ok(/my-(supplier|command)/.test(file) || existsSync(join(root, file)), file)
        }
      }
    })

    test('every type and function that is mentioned with its file is declared there', () => {
      for (const [, name = '', file = ''] of text.matchAll(NAME_IN_FILE)) {
        assert.ok(existsSync(join(root, file)), file)
        assert.match(
          readFileSync(join(root, file), 'utf8'),
          new RegExp(
            `^(?:export )?(?:async )?(?:function\\*?|class|interface|type|const) ${name}\\b|^  (?:async )?\\*?${name}\\(`,
            'm',
          ),
          `${file} does not declare ${name}`,
        )
      }
    })

    test('every request body that starts runs is valid', () => {
      for (const [body] of text.matchAll(/(?<=['`])\{"(?:mode|source)":[^}]*\}(?=['`])/g))
        assert.deepEqual(SyncBody.safeParse(JSON.parse(body)).error?.issues ?? [], [], body)
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
          assert.ok(known.includes(name) || isSourceVariable(name) || isWebhookVariable(name), name)
      }
    })
  })
}

test('docs/security.md gives each role the secrets that it reads, and withholds those that it does not', () => {
  const { text } = readPage('docs/security.md')
  const listNames = (cell: string) =>
    [...cell.matchAll(/`([A-Z][A-Z_0-9]+)`/g)].map(([, name = '']) => name)
  for (const role of ROLES) {
    const [, needs = '', lacks = ''] =
      new RegExp(`^\\| ${role} \\| (.*) \\| (.*) \\|$`, 'm').exec(text) ?? []
    assert.ok(listNames(needs).includes('DATABASE_URL'), role)
    for (const name of listNames(needs)) assert.ok(findReaders(name).includes(role), name)
    for (const name of listNames(lacks)) assert.ok(!findReaders(name).includes(role), name)
  }
})

test('each word of the glossary has one meaning and names at most one exported type', () => {
  const rows = readPage('docs/glossary.md')
    .text.split('\n')
    .filter((row) => row.startsWith('| ') && !/^\| (?:word|---) \|/.test(row))
    .map((row) => row.split('|').map((cell) => cell.trim()))
  assert.ok(rows.length > 50)
  const types = rows.flatMap(([, , , type = '']) => (type === '' ? [] : [type]))
  assert.deepEqual(findRepeated(rows.map(([, word = '']) => word)), [])
  assert.deepEqual(findRepeated(types), [])
  const files = globSync('src/**/*.ts', { cwd: root, exclude: ['**/*.test.ts'] })
  const sources = files.map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }))
  for (const type of types) {
    const [, name = '', file] = /^`(\w+)` in `(src\/\S+\.ts)`$/.exec(type) ?? []
    const declaration = new RegExp(`^export (?:interface|type|class) ${name}\\b`, 'm')
    assert.deepEqual(
      sources.filter(({ text }) => declaration.test(text)).map((source) => source.file),
      [file],
      type,
    )
  }
})

function findRepeated(words: readonly string[]): string[] {
  return words.filter((word, index) => words.indexOf(word) !== index)
}

const needsExtensions = (path: string): boolean => path === 'docs/deploy/supabase.md'

test('every SQL example runs', async (t) => {
  const { pool } = await openTestDatabase(t)
  // The statements of docs/cut-over.md build on each other: test/e2e/cut-over.test.ts runs them.
  for (const { path, fences } of pages.filter((page) => page.path !== 'docs/cut-over.md')) {
    for (const { code } of fences.filter(({ language }) => language === 'sql')) {
      // The rollback also removes roles, which belong to the server.
      await pool
        .query(`begin; ${needsExtensions(path) ? SUPABASE_EXTENSIONS : ''} ${code} rollback`)
        .catch((cause: unknown) => assert.fail(`${path}: ${String(cause)}\n${code}`))
    }
  }
})

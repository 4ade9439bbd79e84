// Every command of flyctl in the documentation, in messages and in the files for Fly.io exists, with
// its flags.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseFlyctl } from './support/flyctl-reference.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
/** Names commands that do not exist, to say so. */
const EARLIER = new Set(['docs/coming-from.md'])

/** The command lines in the code of a page, up to the end of the command. */
function listLines(path: string): string[] {
  const text = readFileSync(join(root, path), 'utf8').replaceAll(/\\\n\s*/g, ' ')
  const code = path.endsWith('.md')
    ? [
        ...[...text.matchAll(/^```(?:sh|bash)\n([^]*?)^```$/gm)].flatMap(([, block = '']) =>
          block.split('\n'),
        ),
        ...[...text.replaceAll(/^```[^]*?^```$/gm, '').matchAll(/`([^`\n]+)`/g)].map(
          ([, inline = '']) => inline,
        ),
      ]
    : text.split('\n').flatMap((line) => {
        const [, comment] = /^#\s{2,}(fly.*)$/.exec(line) ?? []
        const quoted = [...line.matchAll(/`(fly(?:ctl)? [^`$]+)`/g)].map(([, one = '']) => one)
        return comment === undefined ? quoted : [comment, ...quoted]
      })
  return code.flatMap((line) =>
    [...line.matchAll(/(?:^|[|;(]\s*)(?:fly|flyctl) ([a-z][^|;#)]*)/g)].map(
      ([, words = '']) => words,
    ),
  )
}

function toWords(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, word]) => double ?? single ?? word ?? '',
  )
}

test('a command or a flag that does not exist is found', () => {
  for (const line of [
    'logs --app medipim-maintainer --since 1h',
    'billing',
    'ips allocate --app x',
    'scale memory --memory',
    'deploy --app',
  ])
    assert.throws(() => parseFlyctl(toWords(line)), line)
})

test('every command of flyctl in the documentation, in messages and in files exists', () => {
  const paths = globSync(['README.md', 'docs/**/*.md', 'deploy/fly/*', 'src/**/*.ts'], {
    cwd: root,
    exclude: ['**/*.test.ts'],
  })
  const lines = paths
    .filter((path) => !EARLIER.has(path))
    .flatMap((path) => listLines(path).map((line) => [path, line] as const))
  assert.ok(lines.length > 60, String(lines.length))
  const faults = lines.flatMap(([path, line]) => {
    // A mention of a group of commands, such as `fly secrets`, is not a command line.
    if (/^(secrets|logs|machine|ips)$/.test(line.trim())) return []
    try {
      parseFlyctl(toWords(line))
      return []
    } catch (error) {
      return [`${path}: ${line}: ${error instanceof Error ? error.message : ''}`]
    }
  })
  assert.deepEqual(faults, [])
})

test('the runbook has a command for every task of an operator', () => {
  const commands = listLines('docs/deploy/runbook.md').map(
    (line) => parseFlyctl(toWords(line)).command,
  )
  const needed =
    'auth login, status, apps restart, releases, scale count, scale memory, secrets list, ' +
    'ssh console, logs, checks list, machine list, ips list'
  for (const one of needed.split(', ')) assert.ok(commands.includes(one), one)
})

test('every option of deploy.sh in the documentation exists', () => {
  const helpOf = (command: string) =>
    execFileSync(join(root, 'deploy/fly/deploy.sh'), [command, '--help'], { encoding: 'utf8' })
  const [deploy, rotate] = [helpOf('deploy'), helpOf('rotate')]
  const lines = globSync(['README.md', 'docs/**/*.md'], { cwd: root })
    .map((path) => readFileSync(join(root, path), 'utf8'))
    .flatMap((text) => [...text.matchAll(/deploy\/fly\/deploy\.sh ([^`\n#]+)/g)])
    .map(([, words = '']) => toWords(words))
  assert.ok(lines.length > 10, String(lines.length))
  for (const [first = '', ...rest] of lines) {
    const help = first === 'rotate' ? rotate : deploy
    for (const option of [first, ...rest].filter((word) => word.startsWith('--')))
      assert.match(help, new RegExp(`^ +${option}\\b`, 'm'), `${first} ${rest.join(' ')}`)
  }
  // The options in the table of the runbook.
  const runbook = readFileSync(join(root, 'docs/deploy/runbook.md'), 'utf8')
  const options = [...runbook.matchAll(/^\| `(--[a-z-]+)/gm)].map(([, option = '']) => option)
  assert.ok(options.length > 5)
  for (const option of options) assert.match(deploy, new RegExp(`^ +${option}\\b`, 'm'), option)
})

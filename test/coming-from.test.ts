// docs/coming-from.md, the page about the names of the earlier documents: everything that its column
// "here" names exists, and what it announces does not exist yet.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { findCommand, listCommandLines } from './support/command-lines.ts'
import { openTestDatabase } from './support/database.ts'
import { readPage } from './support/pages.ts'
import { CONNECTORS } from '../src/connectors/registry.ts'
import { SETTING_NAMES } from '../src/config/settings-schema.ts'
import { ERRORS } from '../src/core/error-table.ts'
import type { Db } from '../src/db/pool.ts'
import { ROLES } from '../src/core/roles.ts'
import { MaintainBody, SyncBody } from '../src/http/control/request-schemas.ts'
import { SERVERS } from '../src/http/control/routes.ts'
import { METRICS } from '../src/telemetry/metrics-table.ts'

const root = fileURLToPath(new URL('../', import.meta.url))

interface Row {
  readonly document: string
  readonly name: string
  readonly here: string
  readonly why: string
}

/** Values that are the default of something: the file that contains each. */
const DEFAULTS: Readonly<Record<string, string>> = {
  'medipim-raw': 'src/config/supabase-settings.ts',
  'latest.ndjson': 'src/artifacts/latest-file.ts',
  'X-ADMIN-KEY': 'src/http/server/key-guard.ts',
  '17 3 * * *': 'src/connectors/medipim/connector.ts',
}

const { text } = readPage('docs/coming-from.md')
const rows = listRows(text)

function listRows(page: string): Row[] {
  return page.split(/^## /m).flatMap((section) => {
    const document = section.slice(0, section.indexOf('\n'))
    return section
      .split('\n')
      .filter((line) => line.startsWith('| ') && !/^\| (?:name|---) \|/.test(line))
      .map((line) => {
        const [name = '', here = '', why = '', ...rest] = line.slice(2).split(/ \| ?/)
        assert.deepEqual(rest, [''], line)
        return { document, name, here, why }
      })
  })
}

test('every row says what became of its names, and no name of a document is listed twice', () => {
  assert.ok(rows.length > 120)
  for (const { name, here, why } of rows) {
    for (const cell of [name, why]) assert.notEqual(cell, '', name)
    assert.match(here, /`|\]\(|^Dropped$/, name)
  }
  const names = rows.map(({ document, name }) => `${document}: ${name}`)
  assert.deepEqual(new Set(names).size, names.length)
})

test('everything that the page names in place of an old name exists', async (t) => {
  const { pool } = await openTestDatabase(t)
  for (const { name, here } of rows)
    for (const [, code = ''] of here.matchAll(/`([^`]+)`/g))
      assert.ok(await exists(pool, code), `${name}: ${code}`)
})

/** Returns true if the code names something of Shelfsync; its form decides where to look. */
async function exists(db: Db, code: string): Promise<boolean> {
  const [commandLine] = listCommandLines(code)
  if (commandLine) return findCommand(commandLine).then(() => true)
  if (/^(?:GET|POST) \//.test(code))
    return Object.values(SERVERS).some(({ routes }) => Object.hasOwn(routes, code))
  if (/^(?:catalog|api)\.\w/.test(code)) return existsInDatabase(db, code)
  if (code.startsWith('role ')) return ROLES.some((role) => code === `role ${role}`)
  if (code.startsWith('connector ')) return CONNECTORS.has(code.slice('connector '.length))
  if (code.startsWith('shelfsync_')) return Object.hasOwn(METRICS, code)
  if (/[./]|^Dockerfile$/.test(code) && existsSync(join(root, code))) return true
  if (/^[a-z]+\/[a-z-]+$/.test(code)) return Object.hasOwn(ERRORS, code)
  if (/^[A-Z]+(?:_[A-Z]+)*$/.test(code)) return SETTING_NAMES.some((name) => name === code)
  const file = DEFAULTS[code]
  if (file !== undefined) return readFileSync(join(root, file), 'utf8').includes(code)
  if (code.startsWith('progress.'))
    return readFileSync(join(root, 'docs/http.md'), 'utf8').includes(`| \`${code}\` |`)
  if (/^\d+$/.test(code)) return Object.values(SERVERS).some(({ port }) => port === Number(code))
  return listParameters().includes(code)
}

/** A table, view or function `schema.name`, or a column `schema.name.column`. */
async function existsInDatabase(db: Db, code: string): Promise<boolean> {
  const [schema, name, column] = code.split('.')
  const { rows: found } = await db.query(
    `select from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = $1 and c.relname = $2 and ($3::text is null or exists (
         select from pg_attribute a where a.attrelid = c.oid and a.attname = $3 and not a.attisdropped))
     union all
     select from pg_proc p join pg_namespace n on n.oid = p.pronamespace
       where n.nspname = $1 and p.proname = $2 and $3::text is null`,
    [schema, name, column ?? null],
  )
  return found.length > 0
}

function listParameters(): string[] {
  const { mode } = SyncBody.shape
  return [
    ...Object.keys(SyncBody.shape),
    ...Object.keys(MaintainBody.shape),
    ...mode.unwrap().options,
  ]
}

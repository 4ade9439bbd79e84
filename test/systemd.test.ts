// The units of systemd are valid, and a process has no more rights than it needs.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { cleanEnv, explainMissingProgram, findProgram } from './support/processes.ts'

const folder = fileURLToPath(new URL('../deploy/systemd/', import.meta.url))
const UNITS = ['shelfsync.service', 'shelfsync@.service'] as const
const PROGRAM = '/opt/shelfsync/node_modules/.bin/shelfsync'
/** Tenths: 0 is a process without any right, 100 one with every right of root. */
const EXPOSURE_MAX = 20
const skip = explainMissingProgram('systemd-analyze', 'systemd')
const read = (unit: string): string => readFileSync(join(folder, unit), 'utf8')

for (const unit of UNITS) {
  test(`${unit} is valid, and exposes little`, { skip }, (t) => {
    const copy = copyUnit(t, unit, (text) => text)
    assert.equal(analyze('verify', '--man=no', copy), '')
    analyze('security', '--offline=yes', `--threshold=${EXPOSURE_MAX}`, copy)
  })

  test(`a misspelt directive in ${unit}, or a missing sandbox, is found`, { skip }, (t) => {
    const misspelt = copyUnit(t, unit, (text) => text.replace('ProtectHome=', 'ProtectHomes='))
    assert.match(analyze('verify', '--man=no', misspelt), /Unknown key (name )?'ProtectHomes'/)
    const open = copyUnit(t, unit, (text) => text.replace('CapabilityBoundingSet=\n', ''))
    assert.throws(() => analyze('security', '--offline=yes', `--threshold=${EXPOSURE_MAX}`, open))
  })
}

test('both units have the same sandbox', () => {
  const [one, other] = UNITS.map((unit) => read(unit).split('\n# The process may write')[1])
  assert.ok(one !== undefined && one.length > 500)
  assert.equal(one, other)
})

/** Copies a unit under its name, with a program that exists on this machine. */
function copyUnit(
  t: { after(work: () => void): void },
  unit: string,
  change: (text: string) => string,
): string {
  const copies = mkdtempSync(join(tmpdir(), 'shelfsync-unit-'))
  t.after(() => rmSync(copies, { recursive: true }))
  const text = read(unit)
  assert.ok(text.includes(PROGRAM))
  const changed = change(text)
  // systemd-analyze checks an instance of a template.
  const path = join(copies, unit.replace('@', '@fetcher'))
  writeFileSync(path, changed.replace(PROGRAM, '/bin/true'))
  return path
}

/** Returns the messages. @throws Error when systemd-analyze reports a failure */
function analyze(...args: readonly string[]): string {
  const command = [findProgram('systemd-analyze', 'systemd'), ...args]
  const quoted = command.map((word) => `'${word}'`).join(' ')
  return execFileSync('sh', ['-c', `${quoted} 2>&1`], { encoding: 'utf8', env: cleanEnv() })
}

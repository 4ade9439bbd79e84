import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Keyboard } from '../../../test/support/keyboard.ts'
import { Terminal } from '../../../test/support/terminal.ts'
import { isAbort } from '../../core/errors.ts'
import { Cli } from '../cli.ts'
import { Output } from './output.ts'
import { ask, isInteractive } from './prompt.ts'

function open() {
  const [keyboard, terminal] = [new Keyboard(), new Terminal()]
  return { keyboard, terminal, cli: new Cli(new Output(terminal, terminal), {}, keyboard) }
}

test('a typed line is returned, and a hidden one does not appear on the screen', async () => {
  const { keyboard, terminal, cli } = open()
  assert.equal(isInteractive(cli), true)
  const name = ask(cli, 'Name: ')
  keyboard.type('my-shop \r')
  assert.equal(await name, 'my-shop')
  const secret = ask(cli, 'Key: ', { hidden: true })
  assert.equal(keyboard.raw, true)
  keyboard.type('s3cr3t\r')
  assert.equal(await secret, 's3cr3t')
  assert.match(terminal.screen, /^Key:/m)
  assert.doesNotMatch(terminal.screen, /s3cr3t/)
  assert.equal(keyboard.raw, false)
})

test('Ctrl-C and the end of the input end a question', async () => {
  const stopped = open()
  const answer = ask(stopped.cli, 'Name: ', { hidden: true })
  stopped.keyboard.type('\u0003')
  await assert.rejects(answer, (error) => isAbort(error))
  const ended = open()
  const none = ask(ended.cli, 'Name: ')
  ended.keyboard.end()
  await assert.rejects(none, { code: 'usage/invalid' })
})

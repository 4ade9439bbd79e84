// The Dockerfile is valid and follows the rules for a safe image, and nothing private can reach the
// builder. test/e2e/image.online.ts builds the image.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import project from '../package.json' with { type: 'json' }
import { PORTS } from '../src/config/service-settings.ts'
import { listDockerfileProblems } from './support/dockerfile.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const dockerfile = read('Dockerfile')

test('the Dockerfile has no problem', () => {
  assert.deepEqual(listDockerfileProblems(dockerfile), [])
})

for (const [rule, right, wrong, problem] of [
  ['an unknown instruction', 'WORKDIR /app', 'WORKDIRECTORY /app', /Unknown instruction/],
  ['a missing argument', 'COPY . .', 'COPY .', /COPY requires at least two arguments/],
  ['an unknown flag', 'COPY --from=build', 'COPY --form=build', /Unknown flag/],
  ['a base without a version', 'FROM node:24-trixie-slim', 'FROM node:slim', /version of the base/],
  ['a base without a tag', 'FROM node:24-trixie-slim', 'FROM node', /version of the base/],
  ['root', 'USER 1000:1000', 'USER 0', /other than root/],
  ['no user', 'USER 1000:1000', '', /other than root/],
  ['a user by name', 'USER 1000:1000', 'USER node', /other than root/],
  ['root after the user', 'CMD ["serve"]', 'USER root', /other than root/],
  ['a command in a shell', 'CMD ["serve"]', 'CMD serve', /signals/],
  ['an entry point in a shell', 'ENTRYPOINT ["node", "', 'ENTRYPOINT node "', /signals/],
  ['a health check in a shell', 'CMD ["node", "/app/healthcheck', 'CMD node "/app', /health check/],
  ['a download', 'COPY . .', 'ADD https://example.com/code.tgz .', /use COPY/],
  ['a secret', 'ENV SHELFSYNC_HOME', 'ENV ADMIN_KEY', /can read this value/],
  ['unlocked versions', 'RUN npm ci --ignore', 'RUN npm install --ignore', /npm ci/],
] as const)
  test(`the check finds ${rule}`, () => {
    assert.ok(dockerfile.includes(right), right)
    assert.match(listDockerfileProblems(dockerfile.replace(right, wrong)).join('\n'), problem)
  })

test('the builder receives only listed paths, and no .env', () => {
  const [first, ...rules] = read('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  assert.equal(first, '*')
  for (const rule of rules) assert.match(rule, /^!(?!\.env$|\.git$|node_modules)[\w./-]+$/)
})

test('the image states the ports, the licence and the description of the project', () => {
  assert.ok(dockerfile.includes(`EXPOSE ${Object.values(PORTS).join(' ')}\n`))
  assert.ok(dockerfile.includes(`image.licenses="${project.license}"`))
  assert.ok(dockerfile.includes(`image.description="${project.description}"`))
  assert.ok(dockerfile.includes(`image.source="${project.homepage}"`))
})

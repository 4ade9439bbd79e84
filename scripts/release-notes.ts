// Prints the section of CHANGELOG.md for a tag such as v0.1.0. Fails if the tag is not the version
// in package.json or the section is missing.

import { readFileSync } from 'node:fs'
import project from '../package.json' with { type: 'json' }

const [tag = ''] = process.argv.slice(2)
const changelog = readFileSync(new URL('../CHANGELOG.md', import.meta.url), 'utf8')

if (tag !== `v${project.version}`)
  fail(
    `The tag is ${tag}, but package.json has version ${project.version}. Tag v${project.version}`,
  )
const section = changelog.split(/^## /m).find((text) => text.split(/[\s—]/)[0] === project.version)
if (section === undefined) fail(`CHANGELOG.md has no section "## ${project.version}"`)
console.log(section.slice(section.indexOf('\n')).trim())

function fail(message: string): never {
  console.error(message)
  process.exit(1)
}

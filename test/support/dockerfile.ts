// Checks a Dockerfile: its syntax with the validator of Docker's language server, and the rules for
// a safe image that the validator leaves open.

import { DockerfileParser, From, JSONInstruction, type Dockerfile } from 'dockerfile-ast'
import { validate } from 'dockerfile-utils'

const SECRET = /key|secret|token|passw|credential|database_url/i

/** Returns each problem with its line, or an empty list. */
export function listDockerfileProblems(text: string): string[] {
  const file = DockerfileParser.parse(text)
  return [
    ...validate(text).map(
      ({ range, message }) => `line ${range.start.line + 1}: ${textOf(message)}`,
    ),
    ...listLooseBases(file),
    ...listUsersWithRights(file),
    ...file.getInstructions().flatMap((instruction) => {
      const line = `line ${instruction.getRange().start.line + 1}`
      const name = instruction.getKeyword()
      const rest = instruction.getArgumentsContent() ?? ''
      const problems = []
      if (name === 'ADD') problems.push(`${line}: ADD can download; use COPY`)
      if (name === 'ENTRYPOINT' || name === 'CMD')
        if (!(instruction instanceof JSONInstruction && instruction.getJSONStrings().length > 0))
          problems.push(`${line}: a shell would receive the signals; use the form ["program"]`)
      if (name === 'HEALTHCHECK' && !/(CMD \[|^NONE)/.test(rest))
        problems.push(`${line}: the health check needs a shell; use the form CMD ["program"]`)
      if ((name === 'ENV' || name === 'ARG') && SECRET.test(rest))
        problems.push(`${line}: every user of the image can read this value`)
      if (name === 'RUN' && /\bnpm (i|install|add)\b/.test(rest))
        problems.push(`${line}: npm ci installs the locked versions`)
      return problems
    }),
  ]
}

function textOf(message: string | { readonly value: string }): string {
  return typeof message === 'string' ? message : message.value
}

/** Bases without a tag, or with one that names no version. */
function listLooseBases(file: Dockerfile): string[] {
  const stages = new Set<string | null>()
  const problems = []
  for (const from of file.getFROMs()) {
    const image = from.getImage()
    if (!stages.has(image) && !/\d/.test(from.getImageTag() ?? '') && !from.getImageDigest())
      problems.push(`${image}: name the version of the base`)
    stages.add(from.getBuildStage())
  }
  return problems
}

/** The last stage must end as a user with a number, because a platform cannot look up a name. */
function listUsersWithRights(file: Dockerfile): string[] {
  const all = file.getInstructions()
  const last = all.slice(all.findLastIndex((instruction) => instruction instanceof From))
  const user = last.findLast((instruction) => instruction.getKeyword() === 'USER')
  return /^[1-9]\d*(:[1-9]\d*)?$/.test(user?.getArgumentsContent() ?? '')
    ? []
    : ['the last stage: USER must be the number of a user other than root']
}

// GitHub's parser for workflows. The package imports its JSON without an import attribute, which
// Node requires, so a hook adds it.

import { registerHooks } from 'node:module'

const hooks = registerHooks({
  load: (url, context, load) =>
    load(url, url.endsWith('.json') ? { ...context, importAttributes: { type: 'json' } } : context),
})
const { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } =
  await import('@actions/workflow-parser')
hooks.deregister()

/** The problems that GitHub would report, one line each. */
export async function listWorkflowProblems(name: string, content: string): Promise<string[]> {
  const { context, value } = parseWorkflow({ name, content }, new NoOperationTraceWriter())
  if (value) await convertWorkflowTemplate(context, value)
  return context.errors.getErrors().map(({ message }) => message)
}

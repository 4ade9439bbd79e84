// One route of the API: its parameters as a form, the same request as a command, the place of the
// response, and what the response contains.

import type { z } from 'zod'
import { ERRORS } from '../../../core/error-table.ts'
import { findResultObject, listFields, nameResult, type Field } from '../../catalogue/fields.ts'
import { attributes, EMPTY, html, type Content, type Html } from '../html.ts'
import { code, disclosure, words } from '../parts/blocks.ts'
import { icon } from '../parts/icons.ts'
import { table } from '../parts/table.ts'
import { toCurl } from './address.ts'
import type { ApiRoute } from './routes.ts'

export function operation(route: ApiRoute, origin: string): Html {
  const { path, summary, result } = route
  const id = path.slice('/api/v1/'.length).replaceAll(/[^a-z]+/g, '-')
  const file = typeof result === 'string' ? path.slice(path.lastIndexOf('/') + 1) : null
  const inPath = route.pathSchema ? listFields(route.pathSchema) : []
  const fields = [...inPath, ...listFields(route.query)]
  return html`<details class="operation" id="${id}">
    <summary>
      <h3><span class="method">GET</span> <code>${path}</code></h3>
      <span class="quiet">${words(summary)}</span>
    </summary>
    <form method="get" action="/api" data-api="${path}" aria-label="Try GET ${path}">
      <input type="hidden" name="route" value="${path}" />
      ${fields.length === 0 ? EMPTY : html`<div class="parameters">${fields.map((one) => parameter(one, `${id}-${one.name}`, inPath.includes(one)))}</div>`}
      <div class="api-buttons">
        <button type="submit" class="main-button">${icon('play')}Send</button>
        ${file === null ? EMPTY : html`<a class="quiet-button" data-download href="${path}" download="${file}">${icon('download')}Download</a>`}
        <button type="button" class="quiet-button" data-next hidden>
          Next page${icon('next')}
        </button>
        <button type="button" class="quiet-button" data-again hidden>
          Send with If-None-Match
        </button>
      </div>
    </form>
    <div class="curl">
      ${code(toCurl(origin + path, file), `Command for GET ${path}`)}
      <button type="button" class="quiet-button" data-copy hidden>Copy</button>
    </div>
    <div data-result>
      <p role="status" data-status></p>
    </div>
    ${disclosure('Responses', describeResponses(route))}
  </details>`
}

/** The members of an object. */
export function object(name: string, schema: z.ZodType): Html {
  return table<Field>({
    caption: `Members of ${name}`,
    columns: [
      { label: 'Member', isHeader: true, cell: (member) => html`<code>${member.name}</code>` },
      { label: 'Type', cell: formatType },
      { label: 'Description', cell: ({ description }) => words(description) },
    ],
    rows: listFields(schema),
    empty: EMPTY,
  })
}

function parameter(given: Field, id: string, isInPath: boolean): Html {
  const { name, type, options, description, example } = given
  const about = `${id}-about`
  const control = attributes({ id, name, required: isInPath, 'aria-describedby': about })
  const isNumber = type.startsWith('integer')
  return html`<div>
    <label for="${id}"
      ><code>${name}</code>${isInPath ? html` <span>required</span>` : EMPTY}</label
    >
    ${
      options.length > 0
        ? html`<select ${control}>
            <option value="">${given.default ?? 'not sent'}</option>
            ${options.filter((one) => one !== given.default).map((one) => html`<option>${one}</option>`)}
          </select>`
        : html`<input
            type="text"
            ${control}
            ${attributes({ inputmode: isNumber ? 'numeric' : null, placeholder: given.default ?? example })}
            autocomplete="off"
            spellcheck="false"
          />`
    }
    <p class="help" id="${about}">
      ${words(description)}${isNumber ? html` ${type.slice(0, 1).toUpperCase()}${type.slice(1)}.` : EMPTY}
    </p>
  </div>`
}

function describeResponses({ result, errors }: ApiRoute): Html {
  const found = findResultObject(result)
  const codes = [...new Set([...errors, 'request/invalid', 'request/unauthorized'] as const)]
  return html`<ul class="responses">
    <li>
      <strong>200</strong>
      <code>${nameResult(result)}</code
      >${found === null ? EMPTY : html`, <a href="#${found}">members of ${found}</a>`}
    </li>
    ${typeof result === 'string' ? EMPTY : html`<li><strong>304</strong> without content, if <code>If-None-Match</code> has the current ETag</li>`}
    ${codes.map((one) => html`<li><strong>${ERRORS[one].status}</strong> <code>${one}</code>: ${words(ERRORS[one].hint)}</li>`)}
  </ul>`
}

function formatType({ type, options, object: name, mayBeNull }: Field): Content {
  const [before = '', after = ''] = name === null ? [type] : type.split(name)
  const named = name === null ? type : html`${before}<a href="#${name}">${name}</a>${after}`
  return html`${options.length > 0 ? options.join(' · ') : named}${mayBeNull ? ' or null' : ''}`
}

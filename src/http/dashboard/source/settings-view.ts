// The settings of a source: its schedule as text, its limits, its options and those of its connector, each
// with what is the default. A person who may write changes the first three here.

import { Policy } from '../../../core/policy.ts'
import { PACK_NAMES, SourceOptions } from '../../../core/source-options.ts'
import { html, type Html } from '../html.ts'
import { code, disclosure, notice, panel } from '../parts/blocks.ts'
import { field } from '../parts/forms.ts'
import { COMMAND_LIMITS, FORM_LIMITS } from './limits.ts'
import { schedulePanel } from './schedule-view.ts'
import { settingsForm, type ShownSettings } from './settings-form.ts'
import { toShown, toText, valuesTable } from './values-table.ts'

export function settingsView(shown: ShownSettings): Html {
  return html`${schedulePanel(shown)} ${limitsPanel(shown)} ${optionsPanel(shown)}
  ${connectorPanel(shown)}`
}

function limitsPanel(shown: ShownSettings): Html {
  const { policy } = shown.source
  const defaults = Policy.parse({})
  return panel(
    { title: 'Limits', id: 'limits' },
    html`${valuesTable(
        'Limits of the source, within which a run needs no decision',
        [...FORM_LIMITS, ...COMMAND_LIMITS].map(({ name, label, show }) => ({
          name: label,
          value: show(policy[name]),
          isDefault: policy[name] === defaults[name],
          standard: show(defaults[name]),
        })),
      )}
      ${settingsForm(shown, {
        action: 'limits',
        label: 'Change the limits',
        fields: html`${FORM_LIMITS.map(
          ({ name, field: toField, help }) =>
            html`<div>
              ${field(toField(policy[name]))}
              <p class="help">${help}</p>
            </div>`,
        )}`,
      })}
      <p class="quiet">
        A limit of a licence deletes stored content, so only a command changes the last four:
        <code
          >shelfsync sources set ${shown.source.name} --policy
          ${COMMAND_LIMITS.map(({ name }) => `${name}=…`).join(',')}</code
        >
      </p>`,
  )
}

function optionsPanel(shown: ShownSettings): Html {
  const { options } = shown.source
  const parsed = SourceOptions.safeParse(options).data ?? SourceOptions.parse({})
  const defaults = new Map<string, unknown>(Object.entries(SourceOptions.parse({})))
  return panel(
    { title: 'Options', id: 'options' },
    html`${valuesTable(
      'Options of the source, by which its products are read',
      Object.entries(parsed).map(([key, value]) => ({
        name: key,
        value: toText(value),
        isDefault: toText(value) === toText(defaults.get(key)),
        standard: toText(defaults.get(key)),
      })),
    )}
    ${settingsForm(shown, {
      action: 'options',
      label: 'Change the options',
      fields: html`${field({
          kind: 'select',
          name: 'pack',
          label: 'Rules for the texts of products',
          value: parsed.pack,
          options: [...PACK_NAMES, 'none'],
        })}
        ${field({
          kind: 'text',
          name: 'unitPrice',
          label: 'Unit prices: a country, 1 kg, 100 g or none',
          value: parsed.unitPrice,
        })}
        ${field({
          kind: 'area',
          name: 'filters',
          label: 'Filters, as JSON: products that are kept or left out',
          value: toArea(parsed.filters),
          placeholder: '{"exclude": {"type": ["Gift*"]}}',
        })}
        ${field({
          kind: 'area',
          name: 'tags',
          label: 'Tags of the shop, as JSON: the words to read in their place',
          value: toArea(parsed.tags),
          placeholder: '{"fruchtig": "fruity", "sale": null}',
        })}
        <p class="help wide">The next full run then reads every record again.</p>`,
    })}`,
  )
}

/** Empty for a value without members. */
function toArea(value: unknown): string {
  return toText(value) === 'none' ? '' : JSON.stringify(value, null, 2)
}

function connectorPanel({ source: { name, connector, settings }, parsed }: ShownSettings): Html {
  const stored = new Set(Object.keys(Object(settings)))
  return panel(
    { title: 'Connector', id: 'connector' },
    html`${
      parsed === null
        ? notice('warn', `This version cannot read the settings of the connector ${connector}.`)
        : valuesTable(
            `Settings of the connector ${connector}`,
            Object.entries(parsed)
              .filter(([, value]) => value !== undefined)
              .map(([key, value]) => ({
                name: key,
                value: toShown(value),
                isDefault: !stored.has(key),
                standard: null,
              })),
          )
    }
    ${disclosure(
      'Change the address or a setting',
      html`<p>
          The connector checks a new address with the key of the supplier, which this server does
          not have. On a machine with the key:
        </p>
        ${code(`shelfsync sources set ${name} --set name=value\nshelfsync sources set ${name} --url https://new-address.example\nshelfsync sources show ${name}`, 'The commands')}
        <p class="quiet">The last one also shows which secrets are set.</p>`,
    )}`,
  )
}

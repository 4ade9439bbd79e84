// The form that changes a part of the settings of a source, behind a disclosure.

import type { Source } from '../../../db/sources.ts'
import { EMPTY, html, type Html } from '../html.ts'
import type { User } from '../page.ts'
import { disclosure } from '../parts/blocks.ts'
import { hiddenFields } from '../parts/forms.ts'

export interface ShownSettings {
  readonly source: Source
  readonly user: User
  readonly nowMs: number
  /** The next runs of the schedule; none while it is paused. */
  readonly nextTimes: readonly Date[]
  /** True if its connector can fetch single products, which refreshes need. */
  readonly canRefresh: boolean
  /** The settings of the connector as it reads them; null if this version cannot. */
  readonly parsed: Readonly<Record<string, unknown>> | null
}

interface FormOptions {
  readonly action: string
  readonly label: string
  readonly fields: Html
}

/** Empty for a person who may only look. */
export function settingsForm(
  { source: { name }, user }: ShownSettings,
  { action, label, fields }: FormOptions,
): Html {
  if (!user.mayWrite) return EMPTY
  return disclosure(
    label,
    html`<form class="settings-form" method="post" action="/sources/${name}/${action}">
      ${hiddenFields({ user })}${fields}
      <div class="wide"><button type="submit" class="main-button">Save</button></div>
    </form>`,
  )
}

// Every page of the dashboard. One line each.

import type { Page } from './page.ts'
import { overviewPage } from './pages/overview.ts'

export const PAGES: readonly Page[] = [overviewPage]

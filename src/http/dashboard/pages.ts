// Every page of the dashboard. One line each.

import type { Page } from './page.ts'
import { alertsPage } from './pages/alerts.ts'
import { overviewPage } from './pages/overview.ts'

export const PAGES: readonly Page[] = [overviewPage, alertsPage]

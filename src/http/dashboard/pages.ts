// Every page of the dashboard. One line each.

import type { DashboardPage } from './page.ts'
import { alertsPage } from './pages/alerts.ts'
import { apiPage } from './pages/api.ts'
import { jobsPage } from './pages/jobs.ts'
import { overviewPage } from './pages/overview.ts'
import { productPage } from './pages/product.ts'
import { productsPage } from './pages/products.ts'
import { runArtifactPage, runPartPage } from './pages/run-artifact.ts'
import { runPage } from './pages/run.ts'
import { runsPage } from './pages/runs.ts'
import { rulePage } from './pages/rule.ts'
import { rulesPage } from './pages/rules.ts'
import { sourcePage } from './pages/source.ts'
import { statusPage } from './pages/status-page.ts'
import { webhookPage } from './pages/webhook.ts'
import { webhooksPage } from './pages/webhooks.ts'

export const PAGES: readonly DashboardPage[] = [
  overviewPage,
  sourcePage,
  runsPage,
  runPage,
  runArtifactPage,
  runPartPage,
  productsPage,
  productPage,
  jobsPage,
  alertsPage,
  apiPage,
  webhooksPage,
  webhookPage,
  rulesPage,
  rulePage,
  statusPage,
]

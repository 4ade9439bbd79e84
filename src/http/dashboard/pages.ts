// Every page of the dashboard. One line each.

import type { DashboardPage } from './page.ts'
import { actionsPage } from './pages/actions.ts'
import { alertsPage } from './pages/alerts.ts'
import { apiPage } from './pages/api.ts'
import { feedPage } from './pages/feed.ts'
import { jobsPage } from './pages/jobs.ts'
import { overviewPage } from './pages/overview.ts'
import { productPage } from './pages/product.ts'
import { productsPage } from './pages/products.ts'
import { reviewPage } from './pages/review.ts'
import { reviewRulesPage } from './pages/review-rules.ts'
import { reviewsPage } from './pages/reviews.ts'
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
  reviewsPage,
  // Before the page of a review, whose address would match too.
  reviewRulesPage,
  reviewPage,
  productsPage,
  productPage,
  feedPage,
  jobsPage,
  alertsPage,
  actionsPage,
  apiPage,
  webhooksPage,
  webhookPage,
  rulesPage,
  rulePage,
  statusPage,
]

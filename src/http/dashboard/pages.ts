// Every page of the dashboard. One line each.

import type { DashboardPage } from './page.ts'
import { alertsPage } from './pages/alerts.ts'
import { overviewPage } from './pages/overview.ts'
import { productPage } from './pages/product.ts'
import { productsPage } from './pages/products.ts'
import { statusPage } from './pages/status-page.ts'

export const PAGES: readonly DashboardPage[] = [
  overviewPage,
  productsPage,
  productPage,
  alertsPage,
  statusPage,
]

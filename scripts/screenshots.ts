// `npm run screenshots`: takes the pictures of docs/images with Chromium, of the pages of a stocked
// catalogue. Products, runs and decisions are the same each time; only durations and the hours
// until the next runs differ. The font is Inter where it is installed (Debian: fonts-inter).

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DiskStore } from '../src/artifacts/stores/disk.ts'
import { formatBytes } from '../src/format/format.ts'
import { openBrowser, type Tab } from '../test/support/browser.ts'
import { openDashboard } from '../test/support/dashboard.ts'
import { openTestDatabase } from '../test/support/database.ts'
import { passTime } from '../test/support/readable.ts'
import { stockShelves } from '../test/support/shelves.ts'
import {
  PICTURE_BYTES_MAX,
  PICTURE_SIZE,
  PICTURE_THEMES,
  PICTURES,
  toPictureFile,
} from './support/pictures.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const PRODUCTS = 2000
const QUALITY = 82

const ends = new AsyncDisposableStack()
const lifetime = { after: (end: () => Promise<void>) => ends.defer(end) }
try {
  await takePictures()
} finally {
  await ends.disposeAsync()
}

async function takePictures(): Promise<void> {
  const database = await openTestDatabase(lifetime)
  const db = database.pool
  const storeRoot = await mkdtemp(join(tmpdir(), 'screenshots-'))
  ends.defer(() => rm(storeRoot, { recursive: true }))
  const { heldRun } = await stockShelves(lifetime, { db, storeRoot, products: PRODUCTS })
  await passTime(db, '70 minutes')
  // The product whose price changed most often.
  const { rows } = await db.query<{ product: string }>(
    `select p.product_external_id as product
     from catalog.prices p join catalog.sources s on s.id = p.source_id
     where s.name = 'pharmacy' and p.product_external_id not like '%-%'
     group by 1 order by count(*) desc, 1 limit 1`,
  )
  const store = new DiskStore(storeRoot)
  const dashboard = await openDashboard(lifetime, database, { store })
  const { cookie } = await dashboard.signIn()
  const browser = await openBrowser(lifetime)
  for (const theme of PICTURE_THEMES)
    for (const picture of PICTURES) {
      const path = picture.path
        .replace('{held}', String(heldRun))
        .replace('{changed}', rows[0]?.product ?? '')
      const tab = await browser.open(dashboard.url, { cookie, theme, size: PICTURE_SIZE })
      const response = await tab.page.goto(path)
      if (response?.status() !== 200) throw new Error(`${path} responds ${response?.status()}`)
      await tab.page.evaluate(() => document.fonts.ready.then(() => undefined))
      await save(toPictureFile(picture, theme), await take(tab))
      await tab.close()
    }
}

/** As WebP, which Playwright cannot write. */
async function take({ page, context }: Tab): Promise<Buffer> {
  const session = await context.newCDPSession(page)
  const { data } = await session.send('Page.captureScreenshot', {
    format: 'webp',
    quality: QUALITY,
  })
  return Buffer.from(data, 'base64')
}

async function save(file: string, bytes: Buffer): Promise<void> {
  if (bytes.length > PICTURE_BYTES_MAX)
    throw new Error(`${file} has ${formatBytes(bytes.length)}: lower the quality`)
  await mkdir(dirname(join(root, file)), { recursive: true })
  await writeFile(join(root, file), bytes)
  console.log(`${file} ${formatBytes(bytes.length)}`)
}

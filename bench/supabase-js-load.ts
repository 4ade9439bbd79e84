// The usual hand-written load: supabase-js with upserts in chunks of 5,000 records.

import { createClient } from '@supabase/supabase-js'
import { createFeedRequest } from './feed-request.ts'
import { reportFigures } from './processes.ts'

const CHUNK = 5000
const [feedUrl, apiUrl] = process.argv.slice(2)
if (feedUrl === undefined || apiUrl === undefined)
  throw new Error('usage: supabase-js-load.ts FEED API')

interface Product {
  id: string
  name?: { en?: string | null }
  status?: string
  publicPrice?: number | null
  meta: { updatedAt: number }
}

const startedMs = performance.now()
const supabase = createClient(apiUrl, 'sb_secret_bench', { auth: { persistSession: false } })
const { url, ...request } = createFeedRequest(feedUrl)
const response = await fetch(url, request)
if (!response.ok || !response.body) throw new Error(`The feed responded ${response.status}`)
const decoder = new TextDecoder()
let rest = ''
let rows: object[] = []
for await (const chunk of response.body) {
  const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
  rest = lines.pop() ?? ''
  for (const line of lines) {
    const { result } = JSON.parse(line) as { result: Product }
    const updatedAt = new Date(result.meta.updatedAt * 1000).toISOString()
    rows.push({
      id: result.id,
      name: result.name?.en ?? null,
      status: result.status,
      price_cents: result.publicPrice ?? null,
      updated_at: updatedAt,
      raw: result,
    })
    if (rows.length === CHUNK) await upsert()
  }
}
await upsert()
reportFigures({ seconds: (performance.now() - startedMs) / 1000 })

async function upsert(): Promise<void> {
  if (rows.length === 0) return
  const { error } = await supabase.from('products').upsert(rows, { onConflict: 'id' })
  if (error) throw new Error(`${error.message} ${error.details}`)
  rows = []
}

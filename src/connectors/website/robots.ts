// robots.txt by RFC 9309: https://www.rfc-editor.org/rfc/rfc9309. robots-parser 3.0.1, the usual
// library, has had no release since 2023 and matches wildcards with regular expressions, which a
// hostile file makes slow; here the work is bounded.

/** The name by which robots.txt can address this program. */
const PRODUCT_TOKEN = 'shelfsync'

/** RFC 9309 2.5: at least 500 KiB are read; what follows is ignored. */
export const ROBOTS_BYTES_MAX = 500 * 1024
/** With more rules than any known site has, nothing is allowed. */
const RULES_MAX = 5_000
/** No address is longer. */
const PATTERN_CHARS_MAX = 2_000
const DELAY_MS_MAX = 10 * 60_000

export interface Robots {
  /** True when the address may be requested. */
  allows(url: URL): boolean
  /** Its Crawl-delay, at most 10 minutes, or null. */
  readonly crawlDelayMs: number | null
  /** The addresses of its sitemaps, as they are written. */
  readonly sitemaps: readonly string[]
}

/** Rules of a site without robots.txt. */
export const ALLOW_ALL: Robots = { allows: () => true, crawlDelayMs: null, sitemaps: [] }

interface Rule {
  readonly allow: boolean
  readonly pattern: string
}

interface Group {
  readonly agents: string[]
  readonly rules: Rule[]
  delayMs: number | null
}

/** Reads a file. Lines that it does not know are ignored, as the RFC demands. */
export function parseRobots(text: string): Robots {
  const { groups, sitemaps } = readGroups(text.slice(0, ROBOTS_BYTES_MAX))
  const own = groups.filter(({ agents }) => agents.includes(PRODUCT_TOKEN))
  const chosen = own.length > 0 ? own : groups.filter(({ agents }) => agents.includes('*'))
  const rules = chosen
    .flatMap((group) => group.rules)
    .toSorted((a, b) => b.pattern.length - a.pattern.length || Number(b.allow) - Number(a.allow))
  const delays = chosen.map(({ delayMs }) => delayMs).filter((delayMs) => delayMs !== null)
  return {
    allows: (url) => rules.length <= RULES_MAX && isAllowed(rules, url),
    crawlDelayMs: delays.length === 0 ? null : Math.max(...delays),
    sitemaps,
  }
}

function readGroups(text: string): { groups: Group[]; sitemaps: string[] } {
  const groups: Group[] = []
  const sitemaps: string[] = []
  let group: Group | null = null
  let isNaming = false
  for (const line of text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/)) {
    const [statement = ''] = line.split('#', 1)
    const colon = statement.indexOf(':')
    const name = statement.slice(0, Math.max(0, colon)).trim().toLowerCase()
    const value = statement.slice(colon + 1).trim()
    if (name === 'sitemap' && value !== '') sitemaps.push(value)
    if (name === 'user-agent') {
      if (group === null || !isNaming)
        groups.push((group = { agents: [], rules: [], delayMs: null }))
      group.agents.push(toAgent(value))
      isNaming = true
    } else if (name === 'allow' || name === 'disallow' || name === 'crawl-delay') {
      isNaming = false
      if (group !== null) addRule(group, name, value)
    }
  }
  return { groups, sitemaps }
}

function addRule(group: Group, name: 'allow' | 'disallow' | 'crawl-delay', value: string): void {
  if (name === 'crawl-delay') {
    const delayMs = /^\d{1,9}(\.\d+)?$/.test(value) ? Number(value) * 1000 : 0
    group.delayMs = Math.max(group.delayMs ?? 0, Math.min(delayMs, DELAY_MS_MAX))
  } else if (/^[/*$]/.test(value) && value.length <= PATTERN_CHARS_MAX) {
    group.rules.push({ allow: name === 'allow', pattern: normalisePath(value) })
  }
}

/** `Shelfsync/1.0 (…)` names `shelfsync`. */
function toAgent(value: string): string {
  return value === '*' ? '*' : (/^[A-Za-z_-]+/.exec(value)?.[0] ?? '').toLowerCase()
}

/** The longest matching rule decides; of two with the same length, the one that allows. */
function isAllowed(rules: readonly Rule[], { pathname, search }: URL): boolean {
  if (pathname === '/robots.txt') return true
  const path = normalisePath(pathname + search)
  return rules.find(({ pattern }) => matchesPattern(pattern, path))?.allow ?? true
}

/** Returns a function that is true for an address whose path and query match one of the patterns. */
export function toMatcher(patterns: readonly string[]): (url: URL) => boolean {
  const normalised = patterns.map(normalisePath)
  return ({ pathname, search }) => {
    const path = normalisePath(pathname + search)
    return normalised.some((pattern) => matchesPattern(pattern, path))
  }
}

/**
 * Matches a path with a pattern of robots.txt: the beginning of the path, `*` for any text and a
 * final `$` for the end.
 */
export function matchesPattern(pattern: string, path: string): boolean {
  const isWhole = pattern.endsWith('$')
  const pieces = (isWhole ? pattern.slice(0, -1) : pattern).split('*')
  const [first = ''] = pieces
  if (!path.startsWith(first)) return false
  if (pieces.length === 1) return !isWhole || path.length === first.length
  let at = first.length
  for (const piece of pieces.slice(1, isWhole ? -1 : undefined)) {
    const found = path.indexOf(piece, at)
    if (found === -1) return false
    at = found + piece.length
  }
  if (!isWhole) return true
  const last = pieces.at(-1) ?? ''
  return path.length - last.length >= at && path.endsWith(last)
}

/**
 * Writes each character in one way, so that `/caf%c3%a9` equals `/café` and `/%61` equals `/a`.
 * Reserved characters keep their form: `%2F` is not `/`.
 */
function normalisePath(path: string): string {
  return path
    .replaceAll(/%[0-9a-fA-F]{2}/g, (escape) => {
      const sign = String.fromCharCode(Number.parseInt(escape.slice(1), 16))
      return /[A-Za-z0-9._~-]/.test(sign) ? sign : escape.toUpperCase()
    })
    .replaceAll(/[^\u0021-\u007e]+/gu, (text) => encodeURIComponent(text.toWellFormed()))
}

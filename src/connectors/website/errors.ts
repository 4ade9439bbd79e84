// Converts a response that is not a page of the site into an error. Only 404 and 410 mean that
// nothing is there; the error of a bot protection quotes the title of its page.

import type { ErrorCode } from '../../core/error-table.ts'
import { SyncError } from '../../core/errors.ts'
import type { HttpResponse } from '../../core/http.ts'
import { isBotChallenge, readStart } from '../../lib/bot-challenge.ts'
import { classifyStatus, readRetryAfter } from '../../lib/http-status.ts'
import { cutText } from '../../lib/text.ts'

const WAIT_MS = 30_000
const TITLE_CHARS_MAX = 80

/** The last part of the address to which a visitor without an account is sent. */
const LOGIN =
  /\/(password|login|log-in|signin|sign-in|account\/login|customer\/account\/login|wp-login)(\.\w{2,5})?\/?$/i

/** Text in the pages of bot protections; some of them have the status 200. */
const CHALLENGE =
  /_Incapsula_Resource|captcha-delivery\.com|px-captcha|Pardon Our Interruption|sgcaptcha|<title>(Just a moment|Checking your browser|Attention Required|Access Denied|Bot Verification)/i

/**
 * Returns the error of a response, or null for one with the status 200; with null, the body has not
 * been read. `where` begins the message. Call it once per response.
 */
export async function failureOf(
  response: HttpResponse,
  requested: string,
  where: string,
): Promise<SyncError | null> {
  const { status } = response
  if (isLoginPage(response.url, requested))
    return new SyncError('source/password', `${where} sends visitors to a page for signing in`)
  if (status === 200 && response.headers.get('cf-mitigated') !== 'challenge') return null
  const start = status === 404 || status === 410 ? '' : await readStart(response.body)
  const words = quoteTitle(start)
  const isChallenge = await isBotChallenge({ ...response, body: toBody(start) })
  if (isChallenge || (status !== 200 && CHALLENGE.test(start)))
    return toChallengeError(`${where} responds with a bot challenge (${status})${words}`)
  return toError(response, `${where} responds ${status}`, words)
}

/** Throws the error of a response, as `failureOf` returns it. */
export async function refuseFailure(
  response: HttpResponse,
  requested: string,
  where: string,
): Promise<void> {
  const failure = await failureOf(response, requested, where)
  if (failure !== null) throw failure
}

/** True for an error of the whole site, not of one page. */
export function isOfWholeSite({ code, detail }: SyncError): boolean {
  return (
    detail['wholeSite'] === true ||
    ['source/rate-limited', 'source/circuit-open', 'source/address-refused'].includes(code) ||
    !code.startsWith('source/')
  )
}

/** Returns the error of a page with the status 200 that is a challenge, or null. */
export function challengeIn(html: string, where: string): SyncError | null {
  return html.length < 100_000 && CHALLENGE.test(html)
    ? toChallengeError(`${where} is a bot challenge${quoteTitle(html)}`)
    : null
}

function toChallengeError(message: string): SyncError {
  return new SyncError('source/blocked', message, { detail: { wholeSite: true } })
}

function isLoginPage(url: string, requested: string): boolean {
  const [path, before] = [URL.parse(url)?.pathname ?? '', URL.parse(requested)?.pathname ?? '']
  return path !== before && LOGIN.test(path)
}

function toError({ status, headers }: HttpResponse, message: string, words: string): SyncError {
  if (status === 429)
    return new SyncError('source/rate-limited', `${message}: too many requests`, {
      retryAfterMs: readRetryAfter(headers) ?? WAIT_MS,
    })
  if (classifyStatus(status) === 'unavailable')
    return new SyncError('source/unavailable', `${message}${words}`, {
      retryAfterMs: readRetryAfter(headers),
    })
  const [code, reason] = REFUSALS.get(status) ?? (['source/rejected', 'unexpected status'] as const)
  return new SyncError(code, `${message}: ${reason}${words}`, { detail: { status } })
}

const REFUSALS = new Map<number, readonly [ErrorCode, string]>([
  [401, ['source/password', 'the site asks visitors for a password']],
  [402, ['source/closed', 'its host has frozen the site until its owner pays']],
  [403, ['source/blocked', 'the site refuses this request']],
  [404, ['source/gone', 'nothing is there']],
  [410, ['source/gone', 'it has been removed']],
  [423, ['source/closed', 'its host has locked the site']],
  [451, ['source/blocked', 'the site is not available in this country']],
])

/** The title of a page that was sent in place of another one: ` ("Just a moment...")`. */
function quoteTitle(html: string): string {
  const title = /<title[^>]*>([^<]{1,300})/i.exec(html)?.[1]?.replaceAll(/\s+/g, ' ').trim() ?? ''
  return title === '' ? '' : ` ("${cutText(title, TITLE_CHARS_MAX)}")`
}

export async function* toBody(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text)
}

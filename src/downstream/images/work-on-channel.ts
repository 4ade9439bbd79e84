// Works on the due addresses of one host, one after the other, while its lease lasts.

import { messageOf, SyncError } from '../../core/errors.ts'
import {
  failImage,
  releaseImages,
  renewImages,
  type DueAddress,
  type ImageChannel,
} from '../../db/write/images.ts'
import { cutText } from '../../lib/text.ts'
import type { Log } from '../../telemetry/log.ts'
import { chooseDelay, findPause, findReason, stopsAll } from './failures.ts'
import { storeAddress, storeAddressByUrl, type StoreTools } from './store-address.ts'
import type { ImageTarget } from './targets/target.ts'

export interface ChannelTools extends StoreTools {
  readonly log: Log
}

/** Lease duration. When it expires, another process may take over the channel. */
export const LEASE_MS = 90_000
/** Refusals in a row after which a host gets no more direct requests. */
const REFUSALS_MAX = 2
/** A flagged host gets one request a day. */
const FLAG_MS = 24 * 3_600_000
/** Delay until a copy that is being removed may be stored again. */
const REMOVAL_MS = 3_600_000
const REASON_CHARS_MAX = 300

/**
 * Resolves when the addresses are done, or when the host or the signal ends the work early. The
 * others stay due.
 *
 * @throws SyncError `image/store-unavailable` · `settings/invalid` · `db/…`: the failed address
 * stays due, too
 */
export async function workOnChannel(
  tools: ChannelTools,
  channel: ImageChannel,
  signal: AbortSignal,
): Promise<void> {
  const work = new ChannelWork(tools, channel)
  const renewal = setInterval(() => void work.renew(), LEASE_MS / 3).unref()
  try {
    for (const address of channel.addresses) {
      if (signal.aborted || work.isOver) break
      await work.handle(address, signal)
    }
  } finally {
    clearInterval(renewal)
    await releaseImages(tools.db, channel, work.end)
  }
}

class ChannelWork {
  readonly #tools: ChannelTools
  readonly #channel: ImageChannel
  #refusals: number
  #pauseMs = 0
  #flag: string | null = null
  #isLost = false

  constructor(tools: ChannelTools, channel: ImageChannel) {
    this.#tools = tools
    this.#channel = channel
    // A flagged host gets a direct request; one more refusal flags it again.
    this.#refusals = channel.flagged ? REFUSALS_MAX - 1 : channel.refusals
  }

  get isOver(): boolean {
    return this.#isLost || this.#pauseMs > 0
  }

  get end() {
    return { refusals: this.#refusals, pauseMs: this.#pauseMs, flag: this.#flag }
  }

  /** An error is only a missed renewal. */
  async renew(): Promise<void> {
    const isKept = await renewImages(this.#tools.db, this.#channel, LEASE_MS).catch(() => true)
    if (!isKept) this.#isLost = true
  }

  async handle(address: DueAddress, signal: AbortSignal): Promise<void> {
    try {
      await this.#store(address, signal)
    } catch (error) {
      if (!signal.aborted) await this.#recordFailure(address, error)
    }
  }

  /** Requests the address, or lets the target fetch it once the host has refused several requests. */
  async #store(address: DueAddress, signal: AbortSignal): Promise<void> {
    let refusal = new SyncError('image/refused', `${this.#channel.host} refuses requests`)
    if (this.#refusals < REFUSALS_MAX) {
      try {
        return await this.#storeDirectly(address, signal)
      } catch (error) {
        if (signal.aborted || !isRefusal(error)) throw error
        this.#refusals += 1
        if (this.#refusals < REFUSALS_MAX) throw error
        refusal = error
      }
    }
    const { target } = this.#tools
    if (!canFetch(target)) {
      this.#flagHost(refusal.message)
      throw refusal
    }
    await this.#storeByUrl({ ...this.#tools, target }, address, signal)
  }

  async #storeDirectly(address: DueAddress, signal: AbortSignal): Promise<void> {
    await this.#finish(address, await storeAddress(this.#tools, this.#channel, address, signal))
    this.#refusals = 0
  }

  /** Flags the host when the target cannot fetch its images either. */
  async #storeByUrl(
    tools: Parameters<typeof storeAddressByUrl>[0],
    address: DueAddress,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await this.#finish(address, await storeAddressByUrl(tools, this.#channel, address, signal))
    } catch (error) {
      if (signal.aborted || stopsAll(error)) throw error
      this.#flagHost(`it refuses requests, and ${messageOf(error)}`)
      throw error
    }
  }

  async #finish(
    { id, attempts }: DueAddress,
    result: Awaited<ReturnType<typeof storeAddress>>,
  ): Promise<void> {
    if (result === 'lost') this.#isLost = true
    if (result === 'removing')
      await failImage(this.#tools.db, this.#channel, {
        id,
        code: 'image/store-unavailable',
        reason: 'its copy is being removed',
        attempts,
        delayMs: REMOVAL_MS,
      })
  }

  async #recordFailure({ id, url, attempts }: DueAddress, error: unknown): Promise<void> {
    if (stopsAll(error)) throw error
    const { db, log, metrics } = this.#tools
    const pauseMs = findPause(error)
    this.#pauseMs = Math.max(this.#pauseMs, pauseMs ?? 0)
    const failed = pauseMs === null ? attempts + 1 : attempts
    const delayMs = pauseMs ?? chooseDelay(error, failed)
    const code = error instanceof SyncError ? error.code : 'internal'
    const reason = cutText(messageOf(error), REASON_CHARS_MAX)
    if (pauseMs === null)
      metrics.count('shelfsync_image_failures_total', { reason: findReason(error) })
    await failImage(db, this.#channel, { id, code, reason, attempts: failed, delayMs })
    const level = delayMs === null ? 'warn' : 'debug'
    log[level]({ url, code, attempts: failed, reason }, 'an image could not be stored')
    // An error without a code is a bug: it is reported, and work on other images continues.
    if (!(error instanceof SyncError)) throw error
  }

  #flagHost(reason: string): void {
    this.#flag = cutText(reason, REASON_CHARS_MAX)
    this.#pauseMs = FLAG_MS
    const { host } = this.#channel
    this.#tools.log.warn(
      { host, reason },
      `the images of ${host} are left alone for a day: it refuses requests`,
    )
  }
}

function isRefusal(error: unknown): error is SyncError {
  return error instanceof SyncError && error.code === 'image/refused'
}

function canFetch(target: ImageTarget): target is Required<ImageTarget> {
  return target.storeFromUrl !== undefined
}

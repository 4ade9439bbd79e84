// The step that stores images: each address is fetched once, each content is uploaded once, and the
// images that name it get the address of the copy. docs/images.md describes it for operators.

import type { RequestRules } from '../../core/limits.ts'
import {
  claimImages,
  linkImages,
  listNewImages,
  type LinkedImage,
  type NewImage,
} from '../../db/write/images.ts'
import { limitRequests } from '../../sources/limited-http.ts'
import type { DownstreamStep, OpenStep, StepTools } from '../step.ts'
import { CDN_CHANNELS, isCdn, toImageAddress } from './address.ts'
import { stopsAll } from './failures.ts'
import { limitTime } from './fetch-image.ts'
import { OneAtATime } from './one-at-a-time.ts'
import { HourlyRemoval } from './remove-unused.ts'
import { openTarget } from './targets/open-target.ts'
import type { ImageTarget } from './targets/target.ts'
import { LEASE_MS, workOnChannel, type ChannelTools } from './work-on-channel.ts'

/** Hosts that a process works on at a time, each with one image in memory. */
const WORKERS = 4
/** Images that one statement reads. */
const LINK_IMAGES_MAX = 500
/** Pause after a search that found no new image. */
const LOOK_PAUSE_MS = 4_000
/** Addresses of one lease. */
const CHANNEL_ADDRESSES_MAX = 20
/** Pause after an error of the target, unless it states another. */
const TARGET_PAUSE_MS = 30_000
/** The step counts as idle when it has found no work for this time. */
const BUSY_MS = 12_000

export const images: DownstreamStep = {
  name: 'images',
  role: 'images',
  open(tools) {
    const target = openTarget(tools.settings, tools.redact)
    return target && openImages(tools, target)
  },
}

function openImages(tools: StepTools, target: ImageTarget): OpenStep {
  const { db, log, metrics } = tools
  const http = limitRequests(
    { ...tools, http: limitTime(tools.http), requestIntervals: tools.settings.requestIntervals },
    { connector: { rules: ({ url }) => toRules(url) }, settings: null, credentials: null },
  )
  const channelTools: ChannelTools = { db, log, metrics, http, target, large: new OneAtATime() }
  const removal = new HourlyRemoval({ db, log, target, graceMs: tools.settings.images.graceMs })
  let pausedUntilMs = -Infinity
  let workedMs = -Infinity
  let lookAgainMs = -Infinity

  const linkNew = async (): Promise<boolean> => {
    // One worker at a time, and none soon after nothing was found.
    if (performance.now() < lookAgainMs) return false
    lookAgainMs = Infinity
    try {
      const found = await listNewImages(db, LINK_IMAGES_MAX)
      lookAgainMs = found.length > 0 ? -Infinity : performance.now() + LOOK_PAUSE_MS
      return found.length > 0 && (await linkImages(db, found.map(toLinked))) > 0
    } catch (error) {
      lookAgainMs = -Infinity
      throw error
    }
  }
  const workOnce = async (signal: AbortSignal): Promise<boolean> => {
    const isLinked = await linkNew()
    const channel = await claimImages(db, CHANNEL_ADDRESSES_MAX, LEASE_MS)
    if (channel === null) {
      if (!isLinked) await removal.runIfDue(signal)
      return isLinked
    }
    await workOnChannel(channelTools, channel, signal)
    return true
  }
  return {
    workers: WORKERS,
    async work(signal) {
      if (performance.now() < pausedUntilMs) return false
      try {
        const worked = await workOnce(signal)
        if (worked) workedMs = performance.now()
        return worked
      } catch (error) {
        if (stopsAll(error))
          pausedUntilMs = performance.now() + (error.retryAfterMs ?? TARGET_PAUSE_MS)
        throw error
      }
    },
    hasWork: () => Promise.resolve(performance.now() - workedMs < BUSY_MS),
  }
}

/** Requests for images have their own limits and circuit breakers: a sync never waits for them. */
function toRules({ host }: URL): RequestRules {
  const limit = isCdn(host)
    ? { intervalMs: 50, burst: 10, concurrency: CDN_CHANNELS }
    : { intervalMs: 500, burst: 4, concurrency: 1 }
  return {
    limits: [{ scope: 'images', key: host, ...limit }],
    breaker: { scope: 'images', key: host },
  }
}

function toLinked(image: NewImage): LinkedImage {
  const found = toImageAddress(image.url)
  if (found === null)
    return { ...image, key: null, address: null, version: null, channel: null, host: null }
  const { key, url: address, version, channel, host } = found
  return { ...image, key, address, version, channel, host }
}

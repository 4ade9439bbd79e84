// Live regions: one stream of server-sent events at the address of the page. It pauses in a hidden tab
// and while the person has paused it, and reconnects after a failure.

;(() => {
  const RETRY_MS = [1000, 2000, 5000, 10_000, 30_000]
  const state = document.querySelector('[data-live-state]')
  if (!state || !window.EventSource) return
  const text = state.querySelector('[data-live-text]')
  const toggle = state.querySelector('[data-live-toggle]')
  let stream = null
  let retry = null
  let failures = 0
  let isPaused = false
  let isEnded = false

  const show = (name, words) => {
    state.hidden = false
    state.dataset.state = name
    // A screen reader repeats a text that is set again.
    if (text.textContent !== words) text.textContent = words
  }

  const close = () => {
    clearTimeout(retry)
    stream?.close()
    stream = null
  }

  const reconnect = (words) => {
    close()
    const waitMs = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]
    failures += 1
    show('lost', words)
    retry = setTimeout(open, waitMs)
  }

  const end = (reason) => {
    if (reason === 'busy') return reconnect('Too many open pages: updates wait')
    if (reason === 'stopping') return reconnect('Connection lost: trying again')
    close()
    isEnded = true
    show('ended', 'Signed out: updates have stopped')
    toggle.textContent = 'Sign in'
  }

  /** A stream does not tell the status of a refusal; the page redirects to the sign-in. */
  const explainError = async () => {
    const isRefused = stream?.readyState === EventSource.CLOSED
    reconnect('Connection lost: trying again')
    if (!isRefused) return
    const page = await fetch(location, { redirect: 'manual' }).catch(() => null)
    if (page?.type === 'opaqueredirect') end('signed-out')
  }

  // A question that a person has opened stays open and keeps what it showed, and details stay open.
  Object.assign(window.htmx.config, {
    morphSkip: 'details[data-confirm][open]',
    morphIgnore: [...window.htmx.config.morphIgnore, 'open'],
  })

  const replace = async (id, markup) => {
    const region = document.getElementById(id)
    if (region) await window.htmx.swap({ text: markup, target: region, swap: 'outerMorph' })
  }

  const update = async (regions) => {
    for (const [id, markup] of regions) await replace(id, markup)
  }

  function open() {
    if (stream || isEnded || isPaused || document.hidden) return
    stream = new EventSource(location.pathname + location.search)
    stream.addEventListener('open', () => {
      failures = 0
      show('live', 'Live')
    })
    stream.addEventListener('regions', (event) => {
      show('live', 'Live')
      void update(Object.entries(JSON.parse(event.data)))
    })
    stream.addEventListener('trouble', (event) => show('lost', event.data))
    stream.addEventListener('end', (event) => end(event.data))
    stream.addEventListener('error', () => void explainError())
  }

  const pause = (words) => {
    close()
    show('paused', words)
  }

  toggle.addEventListener('click', () => {
    if (isEnded) return location.reload()
    isPaused = !isPaused
    toggle.textContent = isPaused ? 'Resume' : 'Pause'
    if (isPaused) pause('Paused')
    else open()
  })
  document.addEventListener('visibilitychange', () => {
    if (isEnded || isPaused) return
    if (document.hidden) pause('Paused while hidden')
    else open()
  })
  // A page in the back-forward cache keeps its place, but not its stream.
  addEventListener('pagehide', close)
  addEventListener('pageshow', (event) => event.persisted && open())
  open()
})()

// Tries the API without leaving the page: sends a form's request with the session's cookie and shows
// the response. The command beside each form follows its fields, and never contains a key.

;(() => {
  /** More than that is not readable, and a whole export would fill the tab. */
  const SHOWN_CHARS_MAX = 200_000
  const HEADERS = ['ETag', 'Content-Type', 'Cache-Control', 'Retry-After', 'X-Correlation-Id']

  for (const form of document.querySelectorAll('form[data-api]')) prepare(form)
  addEventListener('hashchange', openTarget)
  openTarget()

  /** A link to a route or an object also opens it. */
  function openTarget() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)))
    const details = target?.closest('details')
    if (!details) return
    details.open = true
    details.scrollIntoView()
  }

  function prepare(form) {
    const box = form.closest('details')
    const find = (name) => box.querySelector(`[data-${name}]`)
    const place = {
      form,
      curl: box.querySelector('.curl code'),
      next: find('next'),
      again: find('again'),
      download: find('download'),
      copy: find('copy'),
      status: find('status'),
      result: find('result'),
      abort: new AbortController(),
      etag: null,
    }
    const update = () => showCommand(place)
    form.addEventListener('input', update)
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      void send(place, {})
    })
    place.next.addEventListener('click', () => {
      form.elements.after.value = place.cursor
      update()
      void send(place, {})
    })
    place.again.addEventListener('click', () => void send(place, { 'If-None-Match': place.etag }))
    place.copy.hidden = false
    place.copy.addEventListener('click', () => void copy(place))
    update()
  }

  function toAddress(form) {
    const query = new URLSearchParams()
    let path = form.dataset.api
    for (const [name, value] of new FormData(form)) {
      if (name === 'route' || value === '') continue
      if (path.includes(`:${name}`))
        path = path.replace(`:${name}`, () => encodeURIComponent(value))
      else query.append(name, value)
    }
    return query.size === 0 ? path : `${path}?${query}`
  }

  /** The address is the last word of the command, in quotes. */
  function showCommand({ form, curl, download }) {
    const address = toAddress(form)
    const quoted = (location.origin + address).replaceAll("'", '%27')
    curl.textContent = curl.textContent.replace(/'[^']*'$/, () => `'${quoted}'`)
    if (download) download.href = address
  }

  async function copy({ copy: button, curl }) {
    try {
      await navigator.clipboard.writeText(curl.textContent)
      button.textContent = 'Copied'
    } catch {
      // Only pages over TLS and on this machine may write to the clipboard.
      getSelection().selectAllChildren(curl)
      button.textContent = 'Selected'
    }
    setTimeout(() => (button.textContent = 'Copy'), 2000)
  }

  async function send(place, headers) {
    const { form, status } = place
    place.abort.abort()
    place.abort = new AbortController()
    const { signal } = place.abort
    const button = form.querySelector('[type=submit]')
    button.setAttribute('aria-busy', 'true')
    status.textContent = 'Waiting for the response…'
    const startedMs = performance.now()
    try {
      const init = { headers: { Accept: '*/*', ...headers }, cache: 'no-store', signal }
      const response = await fetch(toAddress(form), init)
      const body = await readStart(response)
      show(place, response, { ...body, ms: Math.round(performance.now() - startedMs) })
    } catch (error) {
      if (signal.aborted) return
      clear(place)
      status.textContent = `No response: ${error.message}`
      place.result.dataset.tone = 'bad'
    }
    button.removeAttribute('aria-busy')
  }

  /** Reads as much as is shown, and cancels the rest. */
  async function readStart(response) {
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    while (reader) {
      const { done, value } = await reader.read()
      if (done) break
      text += value
      if (text.length <= SHOWN_CHARS_MAX) continue
      await reader.cancel()
      return { text: text.slice(0, SHOWN_CHARS_MAX), isWhole: false }
    }
    return { text, isWhole: true }
  }

  function clear(place) {
    place.result.querySelector('dl')?.remove()
    place.result.querySelector('pre')?.remove()
    place.cursor = null
    place.etag = null
  }

  function show(place, response, { text, isWhole, ms }) {
    clear(place)
    const { result, status, next, again, form } = place
    const json = isWhole ? parse(response, text) : undefined
    const size = `${isWhole ? '' : 'the first '}${text.length.toLocaleString('en')} characters`
    status.textContent = `${response.status} ${response.statusText} · ${ms} ms · ${size}`
    result.dataset.tone = response.ok || response.status === 304 ? 'good' : 'bad'
    result.append(describeHeaders(response))
    if (text !== '')
      result.append(showText(json === undefined ? text : JSON.stringify(json, null, 2), form))
    place.cursor = json?.next ?? null
    place.etag = response.headers.get('ETag')
    toggle(next, place.cursor !== null && form.elements.after !== undefined, form)
    toggle(again, place.etag !== null, form)
  }

  /** A button that disappears under the focus leaves it at the button that sends. */
  function toggle(button, isShown, form) {
    const hadFocus = button === document.activeElement
    button.hidden = !isShown
    if (hadFocus && !isShown) form.querySelector('[type=submit]').focus()
  }

  function parse(response, text) {
    if (!response.headers.get('Content-Type')?.startsWith('application/json')) return undefined
    try {
      return JSON.parse(text)
    } catch {
      return undefined
    }
  }

  function describeHeaders({ headers }) {
    const list = document.createElement('dl')
    list.className = 'facts'
    for (const name of HEADERS) {
      const value = headers.get(name)
      if (value === null) continue
      const row = list.appendChild(document.createElement('div'))
      row.appendChild(document.createElement('dt')).textContent = name
      row.appendChild(document.createElement('dd')).textContent = value
    }
    return list
  }

  function showText(text, form) {
    const block = document.createElement('pre')
    block.className = 'code'
    block.tabIndex = 0
    block.setAttribute('role', 'region')
    block.setAttribute('aria-label', `Response of GET ${form.dataset.api}`)
    block.appendChild(document.createElement('code')).textContent = text
    return block
  }
})()

// Comforts on top of pages that work without a script: the theme without a request, filters that apply
// at once, questions that close, and the menu of a narrow screen.

;(() => {
  const YEAR_SECONDS = 365 * 86_400

  document.querySelector('[data-theme-switch]')?.addEventListener('submit', (event) => {
    const theme = event.submitter?.value
    if (!theme) return
    event.preventDefault()
    const secure = location.protocol === 'https:' ? '; Secure' : ''
    document.cookie = `shelfsync_theme=${theme}; Path=/; Max-Age=${YEAR_SECONDS}; SameSite=Strict${secure}`
    if (theme === 'system') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = theme
    for (const button of event.target.querySelectorAll('button'))
      button.setAttribute('aria-pressed', String(button.value === theme))
  })

  const menu = document.querySelector('[data-menu]')
  const closeDetails = (details) => {
    if (!details?.open) return
    details.open = false
    details.querySelector('summary')?.focus()
  }

  for (const button of document.querySelectorAll('[data-close]')) button.hidden = false
  document.addEventListener('click', (event) => {
    const close = event.target.closest?.('[data-close]')
    if (close) return closeDetails(close.closest('details'))
    for (const open of document.querySelectorAll('details[data-confirm][open]'))
      if (!open.contains(event.target)) open.open = false
  })
  document.addEventListener('keydown', (event) => {
    const question = document.querySelector('details[data-confirm][open]')
    if (event.key === 'Escape') return closeDetails(question ?? menu)
    if (event.key === 'Tab' && question) return keepInside(event, question)
    if (event.key !== '/' || event.target.closest('input, select, textarea')) return
    const search = document.querySelector('main input[type=search]')
    if (!search) return
    event.preventDefault()
    search.focus()
  })

  // A chart is one stop of Tab; arrow keys move between its links.
  document.addEventListener('keydown', (event) => {
    const chart = event.target.closest?.('[data-arrows]')
    if (!chart) return
    const links = [...chart.querySelectorAll('a')]
    const at = links.indexOf(event.target)
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: links.length - 1 }[event.key]
    const next = links[to]
    if (!next) return
    event.preventDefault()
    for (const link of links) link.setAttribute('tabindex', link === next ? '0' : '-1')
    next.focus()
  })

  // Tab goes round in an open question.
  function keepInside(event, question) {
    const fields = 'summary, input:not([type=hidden]), select, textarea, button:not([hidden])'
    const all = [...question.querySelectorAll(fields)]
    const [from, to] = event.shiftKey ? [all[0], all.at(-1)] : [all.at(-1), all[0]]
    if (document.activeElement !== from) return
    event.preventDefault()
    to.focus()
  }

  // `toggle` does not bubble.
  document.addEventListener(
    'toggle',
    (event) => {
      if (!event.target.matches('details[data-confirm][open]')) return
      event.target
        .querySelector('form input:not([type=hidden]), form select, form button[type=submit]')
        ?.focus()
    },
    true,
  )

  // A second click must not send a form twice.
  document.addEventListener('submit', (event) => {
    const form = event.target
    if (form.method !== 'post' || event.defaultPrevented) return
    if (form.dataset.sent) return event.preventDefault()
    form.dataset.sent = 'true'
    for (const button of form.querySelectorAll('button[type=submit]'))
      button.setAttribute('aria-busy', 'true')
  })
  addEventListener('pageshow', () => {
    for (const form of document.querySelectorAll('form[data-sent]')) {
      delete form.dataset.sent
      for (const button of form.querySelectorAll('[aria-busy]')) button.removeAttribute('aria-busy')
    }
  })

  for (const form of document.querySelectorAll('form.filters')) applyAtOnce(form)

  function applyAtOnce(form) {
    let timer = null
    const apply = () => {
      const fields = [...new FormData(form)].filter(([, value]) => value !== '')
      const query = new URLSearchParams(fields).toString()
      // As when a form is submitted, the query of its action is replaced.
      const [path] = form.getAttribute('action').split('?')
      const address = path + (query && `?${query}`)
      const results = form.dataset.results
      if (!results) return form.requestSubmit()
      window.htmx.ajax('GET', address, {
        target: `#${results}`,
        select: `#${results}`,
        swap: 'outerMorph',
        push: address,
      })
    }
    form.addEventListener('change', (event) => {
      if (event.target.matches('select, input[type=checkbox], input[type=date]')) apply()
    })
    if (!form.dataset.results) return
    form.addEventListener('input', (event) => {
      if (!event.target.matches('input[type=search], input[type=text], input[type=number]')) return
      clearTimeout(timer)
      timer = setTimeout(apply, 250)
    })
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      clearTimeout(timer)
      apply()
    })
  }
})()

// The box that chooses all reviews of the page. Without a script, each has its own box.

;(() => {
  const boxesOf = (form) => form.querySelectorAll('input[name=id]')
  const show = () => {
    for (const all of document.querySelectorAll('[data-check-all]')) all.hidden = false
  }
  show()
  // The filters replace the list.
  document.addEventListener('htmx:after:swap', show)
  document.addEventListener('change', (event) => {
    const all = event.target.closest('[data-check-all]')
    if (!all) return
    for (const box of boxesOf(all.closest('form'))) box.checked = event.target.checked
  })
})()

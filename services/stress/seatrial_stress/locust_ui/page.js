// Adapts Locust's start form: one plan instead of user classes, and sentences of the service in place of a status code.
(() => {
  const form = /* form */ {}
  Object.assign(window.templateArgs, form)
  const send = window.fetch
  window.fetch = async (...request) => {
    const answer = await send(...request)
    if (answer.status === 401) window.location.reload() // the session has ended: the login form says so
    const address = new URL(request[0].url || request[0], window.location.href)
    if (answer.ok || !address.pathname.endsWith("/swarm")) return answer
    const problem = await answer.json().catch(() => ({}))
    const message = problem.detail || `The stress service answered with status ${answer.status}.`
    return Response.json({ success: false, message }) // Locust shows the message of a 200 only
  }
  // The plan is in a section that Locust shows closed.
  new MutationObserver((_, observer) => {
    const buttons = [...document.querySelectorAll("button[aria-expanded=false]")]
    const plan = buttons.find((button) => button.textContent === "Plan")
    if (plan) { observer.disconnect(); plan.click() }
  }).observe(document.getElementById("root"), { childList: true, subtree: true })
})()

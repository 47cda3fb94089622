// Build DOM from data: text is always text, never markup.

export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value)
    else if (name === "class") node.className = value
    else if (name === "text") node.textContent = value
    else if (name === "data") Object.assign(node.dataset, value)
    else if (value === true) node.setAttribute(name, "")
    else node.setAttribute(name, value)
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false))
  return node
}

// A button for an action of the table; the bench gives it its title, its key and its state.
export function actionButton(action, text) {
  return el("button", { type: "button", class: "act", data: { action }, text })
}

// Run `draw` at most once a frame, however often it is asked for.
export function oncePerFrame(draw, signal) {
  let frame = 0
  signal.addEventListener("abort", () => cancelAnimationFrame(frame))
  return () => {
    if (frame || signal.aborted) return
    frame = requestAnimationFrame((now) => {
      frame = 0
      draw(now)
    })
  }
}

// The design tokens as colours that a canvas can use, read again when light turns to dark.

const NAMES = ["ink", "ink-soft", "paper", "panel", "line", "accent", "amateur", "expert", "music", "note", "good", "bad", "warn", "wave"]

export class Palette extends EventTarget {
  constructor(host, signal) {
    super()
    this.host = host
    const renew = () => {
      this.#read()
      this.dispatchEvent(new Event("change"))
    }
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", renew, { signal })
    const watch = new MutationObserver(renew)
    watch.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme", "class"] })
    signal.addEventListener("abort", () => watch.disconnect())
    this.#read()
  }

  #read() {
    const probe = document.createElement("i")
    this.host.append(probe)
    for (const name of NAMES) {
      probe.style.color = `var(--${name})`
      this[name] = getComputedStyle(probe).color
    }
    probe.style.fontFamily = "var(--font)"
    this.font = getComputedStyle(probe).fontFamily
    probe.remove()
  }
}

// A rater's keys: 1/A, 2/B, 3, 4 choose, Space plays, Enter saves. The page works without them.
const LETTERS = { a: "1", b: "2" }

class RatingForm extends HTMLElement {
  connectedCallback() {
    this.gone = new AbortController()
    const { signal } = this.gone
    this.form = this.querySelector("form")
    this.player = this.querySelector("audio")
    document.addEventListener("keydown", (event) => this.#onKey(event), { signal })
    this.form.addEventListener("submit", (event) => this.#onSubmit(event), { signal })
    window.addEventListener("pageshow", () => this.#wake(), { signal }) // back from another page: usable again
  }

  disconnectedCallback() {
    this.gone.abort()
    this.player?.pause()
  }

  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("textarea, summary, audio")) return
    const chosen = this.form.querySelector(`[data-key="${LETTERS[event.key.toLowerCase()] ?? event.key}"]`)
    if (chosen) {
      chosen.checked = true
      chosen.focus()
    } else if (event.key === " " && this.player && !this.#wantsSpace(event.target)) {
      this.player.paused ? this.player.play() : this.player.pause()
    } else if (event.key === "Enter" && !event.target.matches("button, a")) {
      if (!event.repeat) this.form.requestSubmit()
    } else return
    event.preventDefault()
  }

  // a button presses with Space, and an unchosen radio chooses itself with it
  #wantsSpace(target) {
    return target.matches("button, a") || (target.matches("input[type=radio]") && !target.checked)
  }

  #onSubmit(event) {
    const button = this.form.querySelector("button.go")
    if (button.ariaDisabled === "true") event.preventDefault()
    button.ariaDisabled = "true"
  }

  #wake() {
    this.form.querySelector("button.go").ariaDisabled = "false"
  }
}

customElements.define("rating-form", RatingForm)

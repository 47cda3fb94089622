// A rater's keys: each choice says its own, Space plays, U goes back to the last vote, Enter saves. The page works
// without them. What was heard of the clip is told as ranges of milliseconds; the server believes no more than it may.
const LETTERS = { a: "1", b: "2" } // where the page gives these letters to nothing else, and a number says what they say
const FASTEST = 1

class RatingForm extends HTMLElement {
  connectedCallback() {
    this.gone = new AbortController()
    const { signal } = this.gone
    this.form = this.querySelector("form")
    this.player = this.querySelector("audio")
    document.addEventListener("keydown", (event) => this.#onKey(event), { signal })
    this.form?.addEventListener("submit", (event) => this.#onSubmit(event), { signal })
    this.player?.addEventListener("ratechange", () => this.#slowDown(), { signal })
    window.addEventListener("pageshow", () => this.#wake(), { signal }) // back from another page: usable again
  }

  disconnectedCallback() {
    this.gone.abort()
    this.player?.pause()
  }

  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("textarea, summary, audio")) return
    const chosen = this.#meant(event.key.toLowerCase())
    if (chosen?.matches("a")) {
      chosen.click()
    } else if (chosen) {
      const meant = chosen.checked ? this.#unsaid(chosen) : chosen
      meant.checked = true
      meant.focus()
    } else if (event.key === " " && this.player && !this.#wantsSpace(event.target)) {
      this.player.paused ? this.player.play() : this.player.pause()
    } else if (event.key === "Enter" && this.form && !event.target.matches("button, a")) {
      if (!event.repeat) this.form.requestSubmit()
    } else return
    event.preventDefault()
  }

  #meant(key) {
    if (!/^[a-z0-9]$/.test(key)) return null
    const own = document.querySelector(`[data-key="${key}"]`)
    if (own || !LETTERS[key] || this.querySelector(".of-7, .of-3")) return own
    return this.form?.querySelector(`[data-key="${LETTERS[key]}"]`)
  }

  // the key of what is chosen already takes it back, in a row that may be left open
  #unsaid(chosen) {
    return this.form.querySelector(`[name="${chosen.name}"][value=""]`) ?? chosen
  }

  #slowDown() {
    if (this.player.playbackRate > FASTEST) this.player.playbackRate = FASTEST
  }

  #tellPlayed() {
    const field = this.form.querySelector("input[name=played]")
    if (!field || !this.player) return
    const { played } = this.player
    const now = Array.from({ length: played.length }, (_, n) => [played.start(n), played.end(n)])
    const told = now.map((ends) => ends.map((seconds) => Math.round(seconds * 1000)).join("-"))
    field.value = [field.dataset.before ??= field.value, ...told].filter(Boolean).join(",")
  }

  // a button presses with Space, and an unchosen radio chooses itself with it
  #wantsSpace(target) {
    return target.matches("button, a") || (target.matches("input[type=radio]") && !target.checked)
  }

  #onSubmit(event) {
    const button = this.form.querySelector("button.go")
    if (button.ariaDisabled === "true") event.preventDefault()
    button.ariaDisabled = "true"
    this.#tellPlayed()
  }

  #wake() {
    if (this.form) this.form.querySelector("button.go").ariaDisabled = "false"
  }
}

customElements.define("rating-form", RatingForm)

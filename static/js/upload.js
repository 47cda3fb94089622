/* A recording goes up chunk by chunk; a broken connection, a pause or a reload goes on at the byte where it stopped. */

const RETRY_MS = [500, 1000, 2000, 4000, 8000]
const LOGGED_OUT = "Your login has ended. Log in again in another tab, then press Upload: what came so far is kept."
const SAMPLE = 16384 // bytes of the head, the middle and the tail that tell one take from another

const pause = (ms) => new Promise((wake) => setTimeout(wake, ms))

/* The file's own word for its content, so that another take of the same name and length is never mixed into it.
   Two 32-bit FNV-1a hashes: a page without https has no SubtleCrypto. */
async function fingerprint(file) {
  const starts = [0, Math.floor(file.size / 2), Math.max(0, file.size - SAMPLE)]
  let [a, b] = [0x811c9dc5, 0x9747b28c]
  for (const start of starts) {
    for (const byte of new Uint8Array(await file.slice(start, start + SAMPLE).arrayBuffer())) {
      a = Math.imul(a ^ byte, 0x01000193)
      b = Math.imul(b ^ byte, 0x01000193) ^ (b >>> 15)
    }
  }
  return [file.lastModified, a >>> 0, b >>> 0].map((part) => part.toString(16)).join("-")
}

class MixUpload extends HTMLElement {
  connectedCallback() {
    this.gone = new AbortController()
    const signal = this.gone.signal
    this.form = this.querySelector("form")
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.#start() }, { signal })
    this.#part("state").addEventListener("click", (event) => this.#onClick(event), { signal })
    window.addEventListener("beforeunload", (event) => { if (this.sending) event.preventDefault() }, { signal })
  }

  disconnectedCallback() { this.gone.abort() }

  #part(name) { return this.querySelector(`[data-part="${name}"]`) }

  #token() { return this.form.elements.csrfmiddlewaretoken.value }

  async #start() {
    const file = this.form.elements.file.files[0]
    if (!file || this.sending) return
    this.file = file
    this.paused = false
    this.#part("error").hidden = true
    this.form.hidden = true
    this.#part("state").hidden = false
    this.#part("name").textContent = file.name
    const body = new FormData()
    body.set("name", file.name)
    body.set("size", file.size)
    for (const name of ["title", "session"]) body.set(name, this.form.elements[name]?.value ?? "")
    await this.#guarded(async () => {
      body.set("fingerprint", await fingerprint(file))
      this.upload = await this.#ask(this.dataset.url, { method: "POST", body })
      await this.#send()
    })
  }

  /* Run a stretch of work; what a person must mend is shown, and the form comes back. */
  async #guarded(work) {
    this.sending = true
    try {
      await work()
    } catch (error) {
      if (this.gone.signal.aborted) return
      this.#part("error").textContent = error.message
      this.#part("error").hidden = false
      this.#part("state").hidden = true
      this.form.hidden = false
    } finally {
      this.sending = false
    }
  }

  async #send() {
    while (this.upload.received < this.upload.size && !this.paused) {
      const from = this.upload.received
      const chunk = this.file.slice(from, from + this.upload.chunk_bytes)
      this.upload = await this.#ask(this.upload.url, { method: "PUT", body: chunk, headers: { "Upload-Offset": from } })
      this.#show()
    }
    if (this.paused) return
    this.#say("Checking the recording …")
    let made = await this.#ask(this.upload.completion_url, { method: "POST" })
    while (made.error === "being-completed") {
      await pause(RETRY_MS[1])
      made = await this.#ask(this.upload.completion_url, { method: "POST" })
    }
    if (made.error) throw new Error(made.message)
    this.sending = false
    location.assign(made.url)
  }

  /* One request, again after a pause while the network is away; an answer with a sentence is an error to show. */
  async #ask(url, { headers = {}, ...rest }) {
    const options = { ...rest, headers: { "X-CSRFToken": this.#token(), Accept: "application/json", ...headers } }
    for (let attempt = 0; ; attempt++) {
      const answer = await fetch(url, { ...options, signal: this.gone.signal }).catch((error) => {
        if (this.gone.signal.aborted) throw error
        return null
      })
      if (answer?.redirected) throw new Error(LOGGED_OUT)
      if (answer && (answer.ok || answer.status === 409)) return answer.json()
      if (answer && answer.status < 500) throw new Error(await this.#sentence(answer))
      if (answer?.status === 507) throw new Error(await this.#sentence(answer))
      this.#say("The connection is away; trying again …")
      await pause(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)])
    }
  }

  async #sentence(answer) {
    const told = await answer.json().catch(() => null)
    if (told?.message) return told.message
    if (answer.status === 403) return LOGGED_OUT
    return "The server refused this upload."
  }

  #show() {
    const percent = Math.floor((100 * this.upload.received) / this.upload.size)
    this.#part("bar").value = percent
    this.#part("percent").textContent = `${percent} %`
    this.#say(`${(this.upload.received / 1e6).toFixed(0)} of ${(this.upload.size / 1e6).toFixed(0)} MB`)
  }

  #say(text) { this.#part("said").textContent = text }

  async #onClick(event) {
    const act = event.target.dataset.act
    if (act === "pause") {
      this.paused = !this.paused
      event.target.textContent = this.paused ? "Go on" : "Pause"
      if (!this.paused) await this.#guarded(() => this.#send())
    } else if (act === "discard" && this.upload) {
      this.paused = true
      await fetch(this.upload.url, { method: "DELETE", headers: { "X-CSRFToken": this.#token() } })
      this.sending = false
      location.reload()
    }
  }
}

customElements.define("mix-upload", MixUpload)

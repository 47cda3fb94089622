// What is being typed: kept with the thing it was typed for, and put down on leaving the field, after a pause, or
// before the selection moves on. A draft is never overwritten by news from elsewhere.

const PAUSE_MS = 2000

export class Draft {
  #subject = null
  #timer = 0

  // `subject()` names what the field shows now; `read(subject)` is its text; `write(subject, text)` keeps it.
  // Half a time is a time too: fields whose text means something else while it is typed say `patient`.
  constructor(field, { subject, read, write, bench, signal, done = () => {}, enter = false, patient = false }) {
    Object.assign(this, { field, subject, read, write, bench, done, enter, patient })
    field.addEventListener("input", () => this.#typed(), { signal })
    field.addEventListener("blur", () => this.flush(), { signal })
    field.addEventListener("keydown", (event) => this.#key(event), { signal })
    bench.selection.addEventListener("leaving", () => this.flush(), { signal })
    bench.drafts.add(this)
    signal.addEventListener("abort", () => this.drop())
  }

  get dirty() { return this.#subject !== null }

  show() {
    if (this.dirty) return
    const text = this.read(this.subject())
    if (this.field === document.activeElement && plain(this.field.value) === plain(text)) return // keep the last space
    if (this.field.value !== text) this.field.value = text
  }

  flush() {
    clearTimeout(this.#timer)
    if (!this.dirty) return
    const subject = this.#subject
    this.#clean()
    this.write(subject, this.field.value)
    this.show()
  }

  drop() {
    clearTimeout(this.#timer)
    this.#clean()
    this.bench.drafts.delete(this)
  }

  #clean() {
    this.#subject = null
    delete this.field.dataset.dirty
  }

  #typed() {
    this.#subject ??= this.subject()
    this.field.dataset.dirty = "true"
    clearTimeout(this.#timer)
    if (!this.patient) this.#timer = setTimeout(() => this.flush(), PAUSE_MS)
  }

  #key(event) {
    if (event.isComposing) return
    const commits = event.key === "Enter" && (this.enter ? !event.shiftKey : event.ctrlKey || event.metaKey)
    if (commits) {
      event.preventDefault()
      this.flush()
      this.done({ next: this.enter && (event.ctrlKey || event.metaKey), event })
    } else if (event.key === "Escape") {
      event.preventDefault()
      event.stopPropagation()
      clearTimeout(this.#timer)
      this.#clean()
      this.show()
      this.done({ next: false, event })
    }
  }
}

const plain = (text) => text.replace(/\s+/g, " ").trim()

// Edits that the server has not acknowledged yet, kept in this browser: a reload, a crash or a dead battery loses none.

import { uuid } from "workbench/uuid"

const NAME = "mixassist"
const STORE = "edits"

// One tab's part of what is kept for a layer. Each tab holds a lock of its own name as long as it lives, so that
// another one takes over its edits only once it is gone: two tabs never send different forms of one edit.
export class Keep {
  #database
  #layer
  #kept = new Map() // edit id → the edit as it was last written
  #last = Promise.resolve()
  tab = uuid()
  fails = false // this browser keeps nothing: the page must not be left before all is sent

  constructor(layerId, signal) {
    this.#layer = layerId
    this.#hold(signal)
    this.#database = opened().catch(() => {
      this.fails = true
      return null
    })
  }

  #hold(signal) {
    if (!navigator.locks) return
    const until = new Promise((resolve) => signal.addEventListener("abort", resolve))
    navigator.locks.request(lockOf(this.tab), () => until)
  }

  // The edits of tabs that are gone, oldest first; they are this tab's from now on.
  async orphans() {
    const database = await this.#database
    if (!database) return []
    const living = await livingTabs()
    const rows = await result(database.transaction(STORE).objectStore(STORE).index("layer").getAll(this.#layer))
    const left = rows.filter(({ tab }) => tab !== this.tab && !living.has(tab))
    left.sort((a, b) => a.at - b.at || a.place - b.place)
    const edits = left.map(({ edit }) => edit)
    await this.#write((store) => left.forEach((row) => store.put({ ...row, tab: this.tab })))
    for (const edit of edits) this.#kept.set(edit.id, edit)
    return edits
  }

  // Make what is kept equal to what waits now; resolves when it is on the disk.
  follow(pending) {
    const waiting = new Map(pending.map(({ edit }) => [edit.id, edit]))
    const gone = [...this.#kept.keys()].filter((id) => !waiting.has(id))
    const fresh = [...waiting.values()].filter((edit) => this.#kept.get(edit.id) !== edit)
    if (!gone.length && !fresh.length) return this.#last
    for (const id of gone) this.#kept.delete(id)
    for (const edit of fresh) this.#kept.set(edit.id, edit)
    const at = Date.now()
    const rows = fresh.map((edit) => ({ id: edit.id, layer: this.#layer, tab: this.tab, at, place: pending.findIndex((each) => each.edit === edit), edit }))
    return this.#write((store) => {
      gone.forEach((id) => store.delete(id))
      rows.forEach((row) => store.put(row))
    })
  }

  #write(work) {
    this.#last = this.#last.then(async () => {
      const database = await this.#database
      if (!database) return
      try {
        const transaction = database.transaction(STORE, "readwrite", { durability: "strict" })
        work(transaction.objectStore(STORE))
        await finished(transaction)
      } catch {
        this.fails = true // a full disk, or storage that was taken away
      }
    })
    return this.#last
  }
}

const lockOf = (tab) => `workbench tab ${tab}`

async function livingTabs() {
  if (!navigator.locks) return new Set()
  const { held } = await navigator.locks.query()
  return new Set(held.map(({ name }) => name).filter((name) => name.startsWith(lockOf(""))).map((name) => name.slice(lockOf("").length)))
}

function opened() {
  const request = indexedDB.open(NAME, 1)
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" }).createIndex("layer", "layer")
  return result(request)
}

function result(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
    request.onblocked = () => reject(new Error("blocked"))
  })
}

function finished(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = resolve
    transaction.onabort = () => reject(transaction.error)
  })
}

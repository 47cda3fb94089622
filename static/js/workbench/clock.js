// Times as people read and type them; everywhere else they are integer milliseconds.

export function clock(ms, { digits = 3, hours = false } = {}) {
  const unit = 10 ** (3 - digits)
  const whole = Math.max(0, Math.round(ms / unit)) * unit
  const h = Math.floor(whole / 3_600_000)
  const m = Math.floor(whole / 60_000) % 60
  const s = Math.floor(whole / 1000) % 60
  const tail = digits ? "." + String(whole % 1000).padStart(3, "0").slice(0, digits) : ""
  const seconds = String(s).padStart(2, "0") + tail
  return h || hours ? `${h}:${String(m).padStart(2, "0")}:${seconds}` : `${m}:${seconds}`
}

// "1:02:03.5", "62.25" (seconds) or "2:03,5"; null for anything else.
export function parseClock(text) {
  const parts = text.trim().replace(",", ".").split(":")
  if (parts.length > 3 || !/^\d+(\.\d*)?$/.test(parts.at(-1))) return null
  if (!parts.slice(0, -1).every((part) => /^\d+$/.test(part))) return null
  return Math.round(parts.reduce((total, part) => total * 60 + Number(part), 0) * 1000)
}

export function span(start, end) {
  return `${clock(start, { digits: 1 })} – ${clock(end, { digits: 1 })}`
}

// Paints the ruler and the recordings' waveforms.

import { clock } from "workbench/clock"

const STEPS = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000]

export function paintRuler(context, viewport, height, palette) {
  const step = STEPS.find((each) => each / viewport.msPerPx >= 78) ?? 3_600_000
  const minor = step / (step % 3 === 0 && step >= 15_000 ? 3 : 5)
  const digits = step >= 1000 ? 0 : step >= 100 ? 1 : 2
  context.fillStyle = palette.line
  for (let at = Math.floor(viewport.startMs / minor) * minor; at < viewport.endMs; at += minor) {
    const tall = Math.round(at / minor) % Math.round(step / minor) === 0
    context.fillRect(Math.round(viewport.x(at)), tall ? height - 9 : height - 4, 1, tall ? 9 : 4)
  }
  context.fillStyle = palette["ink-soft"]
  context.font = `11px ${palette.font}`
  context.textBaseline = "middle"
  context.textAlign = "left"
  for (let at = Math.floor(viewport.startMs / step) * step; at < viewport.endMs; at += step) {
    context.fillText(clock(at, { digits }), Math.round(viewport.x(at)) + 4, height / 2 - 1)
  }
}

const scratch = { columns: new Int8Array(0) }

// Channels lie one above the other, or `overlaid` on one line where there is little room.
export function paintWaveform(context, peaks, { startMs, msPerPx, width }, { top, height, overlaid = false }, palette) {
  const columns = Math.ceil(width)
  if (scratch.columns.length < 2 * columns) scratch.columns = new Int8Array(2 * columns)
  const room = overlaid ? height : height / peaks.channels
  for (let channel = 0; channel < peaks.channels; channel++) {
    const middle = top + room * ((overlaid ? 0 : channel) + 0.5)
    const scale = ((room / 2 - 1.5) / 128) * peaks.gain
    context.fillStyle = palette.line
    context.fillRect(0, Math.round(middle), width, 1)
    peaks.columns(channel, startMs, msPerPx, columns, scratch.columns)
    fill(context, scratch.columns, columns, middle, scale, palette.wave)
  }
}

function fill(context, data, columns, middle, scale, colour) {
  context.fillStyle = colour
  for (let x = 0; x < columns; x++) {
    const low = data[2 * x]
    const high = data[2 * x + 1]
    if (low > high) continue
    const top = middle - Math.max(high * scale, 0.5)
    context.fillRect(x, top, 1, middle - Math.min(low * scale, -0.5) - top)
  }
}

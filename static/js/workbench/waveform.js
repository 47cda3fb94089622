// Paints the ruler and the recordings' waveforms.

import { clock } from "workbench/clock"

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000]

export function paintRuler(context, viewport, height, palette) {
  const step = STEPS.find((each) => each / viewport.msPerPx >= 78) ?? 3_600_000
  const minor = step / (step % 3 === 0 && step >= 15_000 ? 3 : 5)
  const digits = step >= 1000 ? 0 : step >= 100 ? 1 : step >= 10 ? 2 : 3
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
export function paintWaveform(context, peaks, { startMs, msPerPx, width }, { top, height, overlaid = false, amplitude = 1 }, palette) {
  const columns = Math.ceil(width)
  if (scratch.columns.length < 2 * columns) scratch.columns = new Int8Array(2 * columns)
  const room = overlaid ? height : height / peaks.channels
  for (let channel = 0; channel < peaks.channels; channel++) {
    const middle = top + room * ((overlaid ? 0 : channel) + 0.5)
    const scale = ((room / 2 - 1.5) / 128) * peaks.gain * amplitude
    context.fillStyle = palette.line
    context.fillRect(0, Math.round(middle), width, 1)
    peaks.columns(channel, startMs, msPerPx, columns, scratch.columns)
    fill(context, scratch.columns, columns, { middle, scale, most: room / 2 }, palette.wave)
  }
}

const DOTS_FROM_PX = 6 // so far apart that each sample is a dot of its own

// Samples as they are: a line through them where they are apart, their range where several share a column.
export function paintSamples(context, windows, viewport, { top, height, gain }, palette) {
  const { channels, rate } = windows[0]
  const room = height / channels
  const apart = 1000 / rate / viewport.msPerPx
  context.save()
  context.beginPath()
  context.rect(0, top, viewport.width, height)
  context.clip()
  for (let channel = 0; channel < channels; channel++) {
    const middle = top + room * (channel + 0.5)
    const scale = ((room / 2 - 1.5) / 32768) * gain
    context.fillStyle = palette.line
    context.fillRect(0, Math.round(middle), viewport.width, 1)
    context.strokeStyle = context.fillStyle = palette.wave
    if (apart < 1) ranges(context, windows, viewport, { channel, middle, scale })
    else line(context, windows, viewport, { channel, middle, scale, apart })
  }
  context.restore()
}

function ranges(context, windows, viewport, { channel, middle, scale }) {
  for (const window of windows) {
    const { channels, rate, data, startMs } = window
    const frames = data.length / channels
    const [from, to] = [Math.max(0, Math.floor(viewport.x(startMs))), Math.min(viewport.width, viewport.x(startMs + (1000 * frames) / rate))]
    for (let x = from; x < to; x++) {
      const first = Math.max(0, Math.floor(((viewport.ms(x) - startMs) * rate) / 1000))
      const last = Math.min(frames, Math.max(first + 1, Math.ceil(((viewport.ms(x + 1) - startMs) * rate) / 1000)))
      let [low, high] = [32767, -32768]
      for (let at = first * channels + channel; at < last * channels; at += channels) {
        if (data[at] < low) low = data[at]
        if (data[at] > high) high = data[at]
      }
      const y = middle - Math.max(high * scale, 0.5)
      if (low <= high) context.fillRect(x, y, 1, middle - Math.min(low * scale, -0.5) - y)
    }
  }
}

function line(context, windows, viewport, { channel, middle, scale, apart }) {
  context.lineWidth = 1
  context.beginPath()
  for (const { channels, rate, data, startMs } of windows) {
    const first = Math.max(0, Math.floor(((viewport.startMs - startMs) * rate) / 1000) - 1)
    const last = Math.min(data.length / channels, Math.ceil(((viewport.endMs - startMs) * rate) / 1000) + 2)
    for (let frame = first; frame < last; frame++) {
      const x = viewport.x(startMs) + frame * apart
      const y = middle - data[frame * channels + channel] * scale
      context.lineTo(x, y)
      if (apart > DOTS_FROM_PX) context.fillRect(x - 1.5, y - 1.5, 3, 3)
    }
  }
  context.stroke()
}

// What is drawn taller than its room ends at the room's edge.
function fill(context, data, columns, { middle, scale, most }, colour) {
  context.fillStyle = colour
  for (let x = 0; x < columns; x++) {
    const low = data[2 * x]
    const high = data[2 * x + 1]
    if (low > high) continue
    const top = middle - Math.min(Math.max(high * scale, 0.5), most)
    context.fillRect(x, top, 1, middle - Math.max(Math.min(low * scale, -0.5), -most) - top)
  }
}

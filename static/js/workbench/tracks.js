// The recordings one above the other: waveforms, a close look at their samples, the spectrogram of the first.

import { CLOSE_MS_PER_PX } from "workbench/samples"
import { paintSamples, paintWaveform } from "workbench/waveform"

const SPECTROGRAM_SHARE = 0.5

// Where each track lies in the strip of waveforms: [{track, top, height, spectrum}], spectrum being null or a place.
export function trackPlaces(tracks, { top, height }, spectrogram) {
  const room = height / Math.max(1, tracks.length)
  return tracks.map((track, i) => {
    const place = { track, top: top + i * room, height: room, spectrum: null }
    if (i === 0 && spectrogram) {
      const tall = Math.floor(room * SPECTROGRAM_SHARE)
      place.spectrum = { top: place.top + room - tall, height: tall - 1 }
      place.height = room - tall
    }
    return place
  })
}

export function paintTracks(context, places, { viewport, palette, player, view }) {
  for (const { track, top, height, spectrum } of places) {
    const silent = player.mix.loudness(track.recording.id) === 0
    context.globalAlpha = silent && places.length > 1 ? 0.35 : 0.85
    paintTrack(context, track, { top, height, amplitude: view.amplitude }, viewport, palette)
    context.globalAlpha = 1
    if (spectrum) paintSpectrum(context, track, spectrum, { viewport, palette, view })
  }
}

function paintTrack(context, { peaks, samples }, place, viewport, palette) {
  const level = peaks.levelFor(viewport.msPerPx)
  const point = peaks.msPerPoint(level)
  const from = (viewport.startMs - peaks.offsetMs) / point
  peaks.want(level, from, from + (viewport.width * viewport.msPerPx) / point + 1)
  if (samples && viewport.msPerPx < CLOSE_MS_PER_PX) {
    samples.want(viewport.startMs, viewport.endMs)
    const windows = samples.windows(viewport.startMs, viewport.endMs)
    if (windows?.length) return paintSamples(context, windows, viewport, { ...place, gain: peaks.gain * place.amplitude }, palette)
  }
  paintWaveform(context, peaks, viewport, place, palette)
}

function paintSpectrum(context, { spectrogram, recording }, { top, height }, { viewport, palette }) {
  context.fillStyle = palette.line
  context.fillRect(0, top - 1, viewport.width, 1)
  if (spectrogram?.readable(viewport.msPerPx)) return spectrogram.paint(context, viewport, { top, height })
  context.fillStyle = palette["ink-soft"]
  context.font = `12px ${palette.font}`
  context.textBaseline = "middle"
  context.fillText(spectrogram ? "Zoom in to see the spectrogram." : waiting(recording), 8, top + height / 2)
}

function waiting({ spectrogram_state: state }) {
  if (state === "failed") return "The spectrogram could not be made; the jobs page says why."
  if (state === "cancelled") return "Making the spectrogram was cancelled. Start it again on the jobs page."
  return "The spectrogram is being made; it appears here by itself."
}

// A canvas that fills its box, sharp at any pixel density; one unit is one CSS pixel.

export class Surface {
  constructor(canvas) {
    this.canvas = canvas
    this.context = canvas.getContext("2d")
    this.width = 0
    this.height = 0
  }

  // True when the size differs; the picture is then empty.
  fit(width, height) {
    const density = devicePixelRatio || 1
    if (width === this.width && height === this.height && density === this.density) return false
    Object.assign(this, { width, height, density })
    this.canvas.width = Math.round(width * density)
    this.canvas.height = Math.round(height * density)
    this.context.setTransform(density, 0, 0, density, 0, 0)
    return true
  }

  clear() {
    this.context.clearRect(0, 0, this.width, this.height)
    return this.context
  }
}

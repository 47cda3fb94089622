// Keys that people bring along from other programs, as far as a browser leaves them to a page: where a program's own
// key needs Ctrl or Alt that the browser takes, the letter alone stands for it. What a profile does not name keeps its
// key; what would be in the way is moved, and stands under the others' line.

export const PROFILES = [
  { name: "default", label: "Default", keys: {} },
  {
    name: "elan",
    label: "ELAN",
    keys: {
      play: ["Ctrl+Space", "Space"],
      "back-1": ["Shift+ArrowLeft"],
      "forward-1": ["Shift+ArrowRight"],
      // moved
      "back-30": ["<"],
      "forward-30": [">"],
    },
  },
  {
    name: "praat",
    label: "Praat",
    keys: {
      split: ["Enter", "S"],
      "zoom-in": ["I", "+", "="],
      "zoom-out": ["O", "-"],
      "zoom-selection": ["N", "V"],
      "zoom-all": ["A", "0"],
      // moved
      make: ["Shift+E"],
      "solo-next": ["Shift+H"],
      "end-earlier": [";"],
      "end-later": ["'"],
      "end-earlier-fine": [":"],
      "end-later-fine": ["\""],
      "next-unpaired": ["Shift+N"],
      follow: ["Shift+F"],
    },
  },
  {
    name: "audacity",
    label: "Audacity",
    keys: {
      play: ["Space", "P"],
      "back-1": [","],
      "forward-1": ["."],
      // moved
      "back-tenth": ["<"],
      "forward-tenth": [">"],
      "end-earlier": [";"],
      "end-later": ["'"],
      "end-earlier-fine": [":"],
      "end-later-fine": ["\""],
    },
  },
]

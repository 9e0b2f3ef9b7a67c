import stringWidth from 'string-width'
import type { Output } from './world.ts'

/** The terminal's second screen, which leaves what was on the first as it was. */
export interface AlternateScreen {
  /** Shows these lines and nothing else. */
  show(lines: readonly string[]): void
  /** Gives the first screen back, and its cursor. */
  close(): void
}

const ENTER = '\u001b[?1049h\u001b[?25l'
const LEAVE = '\u001b[?25h\u001b[?1049l'
const HOME = '\u001b[H'
const CLEAR_LINE = '\u001b[K'
const CLEAR_BELOW = '\u001b[J'

/** Draws over what is there, in one write, and clears the rest: so nothing flickers. */
export function openAlternateScreen(out: Output): AlternateScreen {
  out.write(ENTER)
  return {
    show(lines) {
      const { columns = 80, rows = 24 } = out
      // A full line leaves the cursor on its last character, which clearing would take.
      const drawn = lines.map((line) => (stringWidth(line) < columns ? line + CLEAR_LINE : line))
      out.write(HOME + drawn.join('\r\n') + (lines.length < rows ? `\r\n${CLEAR_BELOW}` : ''))
    },
    close() {
      out.write(LEAVE)
    },
  }
}

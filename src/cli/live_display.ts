/**
 * Keeps some lines at the bottom of a terminal, below the log lines that scroll by.
 *
 * @module
 */
import type { LineWriter } from "../observe/configure.ts";
import type { Clock, Timer } from "../runtime/clock.ts";

/** Between two looks, in ms. */
const INTERVAL = 1000;

/** Puts the cursor at the beginning of the line above, and clears from the cursor to the end. */
const UP = "\x1b[1A";
const CLEAR = "\r\x1b[J";

/** What a display needs. */
export interface LiveDisplayParts {
  readonly terminal: Pick<LineWriter, "writeSync">;
  /** Columns at this moment. */
  readonly width: () => number;
  readonly clock: Pick<Clock, "setTimer">;
}

/**
 * Shows something, once a second and when it is told to, until it is disposed of; then its lines are
 * gone. All that goes to the terminal meanwhile must be written through it.
 */
export class LiveDisplay implements LineWriter, Disposable {
  readonly #parts: LiveDisplayParts;
  readonly #encoder = new TextEncoder();
  #render: ((width: number) => readonly string[]) | undefined;
  #lines: readonly string[] = [];
  #timer: Timer | undefined;
  #disposed = false;

  constructor(parts: LiveDisplayParts) {
    this.#parts = parts;
  }

  /**
   * Begins to show the lines that `render` gives at each moment, in place of others.
   *
   * @param render gets the columns of the terminal; no line may be as long as that
   */
  show(render: (width: number) => readonly string[]): void {
    this.#render = render;
    this.update();
  }

  /** Shows the present at once. */
  update(): void {
    if (this.#disposed || this.#render === undefined) return;
    this.#timer?.cancel();
    this.#timer = this.#parts.clock.setTimer(() => this.update(), INTERVAL);
    const erase = this.#erase();
    this.#lines = this.#render(this.#parts.width());
    this.#tryToWrite(erase + this.#lines.join("\n"));
  }

  /** Writes whole lines above what is shown. */
  writeSync(bytes: Uint8Array): number {
    const erase = this.#encoder.encode(this.#erase());
    const again = this.#encoder.encode(this.#lines.join("\n"));
    const all = new Uint8Array(erase.length + bytes.length + again.length);
    all.set(erase);
    all.set(bytes, erase.length);
    all.set(again, erase.length + bytes.length);
    this.#writeAll(all);
    return bytes.length;
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#timer?.cancel();
    this.#tryToWrite(this.#erase());
    this.#lines = [];
  }

  /** From the end of the last line to the beginning of the first. */
  #erase(): string {
    return this.#lines.length === 0 ? "" : UP.repeat(this.#lines.length - 1) + CLEAR;
  }

  /** A terminal that takes nothing must not stop the client. */
  #tryToWrite(text: string): void {
    try {
      this.#writeAll(this.#encoder.encode(text));
    } catch {
      // The log reports what is lost of it; of this nothing is.
    }
  }

  #writeAll(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const written = this.#parts.terminal.writeSync(bytes.subarray(at));
      if (written === 0) throw new Deno.errors.WriteZero("the terminal took no bytes");
      at += written;
    }
  }
}

/** Of a terminal that does not say: what all have had. */
const USUAL_WIDTH = 80;

/** The columns of the terminal that this process has. */
export function terminalWidth(): number {
  try {
    return Deno.consoleSize().columns || USUAL_WIDTH;
  } catch {
    // It may have been closed meanwhile.
    return USUAL_WIDTH;
  }
}

import assert from "node:assert/strict";
import { LiveDisplay } from "../../src/cli/live_display.ts";
import { FakeClock } from "../runtime/fake_clock.ts";

const encoder = new TextEncoder();

/** A terminal that keeps what it was sent, and can show what is on its screen. */
class Terminal {
  sent = "";
  /** The most bytes that it takes at one time. */
  most = Infinity;
  broken = false;
  readonly #decoder = new TextDecoder();

  writeSync(bytes: Uint8Array): number {
    if (this.broken) throw new Deno.errors.BrokenPipe("gone");
    const taken = bytes.subarray(0, this.most);
    this.sent += this.#decoder.decode(taken, { stream: true });
    return taken.length;
  }

  /** The lines of the screen, by the few commands that are used. */
  get screen(): string[] {
    const lines = [""];
    let row = 0;
    // deno-lint-ignore no-control-regex -- these are the commands of the terminal
    for (const [piece] of this.sent.matchAll(/\x1b\[1A|\x1b\[J|\r|\n|[^\x1b\r\n]+/g)) {
      if (piece === "\x1b[1A") row--;
      else if (piece === "\x1b[J") lines.splice(row, lines.length, "");
      else if (piece === "\n") lines[++row] ??= "";
      else if (piece !== "\r") lines[row] += piece;
    }
    return lines;
  }
}

function open(): {
  terminal: Terminal;
  clock: FakeClock;
  display: LiveDisplay;
  looks: () => number;
} {
  const terminal = new Terminal();
  const clock = new FakeClock();
  const display = new LiveDisplay({ terminal, width: () => 80, clock });
  let looks = 0;
  const render = (width: number) => [`first of ${width}`, `look ${++looks}`];
  display.show(render);
  return { terminal, clock, display, looks: () => looks };
}

Deno.test("a display shows its lines, anew every second", () => {
  const { terminal, clock, display } = open();
  assert.deepEqual(terminal.screen, ["first of 80", "look 1"]);
  clock.advance(999);
  assert.deepEqual(terminal.screen, ["first of 80", "look 1"]);
  clock.advance(1);
  assert.deepEqual(terminal.screen, ["first of 80", "look 2"]);
  display.update();
  assert.deepEqual(terminal.screen, ["first of 80", "look 3"]);
  clock.advance(999);
  assert.deepEqual(terminal.screen, ["first of 80", "look 3"]);
  clock.advance(1);
  assert.deepEqual(terminal.screen, ["first of 80", "look 4"]);
  display[Symbol.dispose]();
});

Deno.test("log lines scroll above the display, which is not looked at anew for them", () => {
  const { terminal, display, looks } = open();
  const line = encoder.encode("a log line\n");
  assert.equal(display.writeSync(line), line.length);
  display.writeSync(encoder.encode("another\n"));
  assert.deepEqual(terminal.screen, ["a log line", "another", "first of 80", "look 1"]);
  assert.equal(looks(), 1);
  display[Symbol.dispose]();
});

Deno.test("a display that is disposed of leaves the log alone, and no timer", () => {
  const { terminal, clock, display, looks } = open();
  display.writeSync(encoder.encode("kept\n"));
  display[Symbol.dispose]();
  display[Symbol.dispose]();
  display.update();
  assert.deepEqual(terminal.screen, ["kept", ""]);
  display.writeSync(encoder.encode("last words\n"));
  clock.advance(10_000);
  assert.deepEqual(terminal.screen, ["kept", "last words", ""]);
  assert.equal(looks(), 1);
});

Deno.test("before there is something to show, lines pass and no timer runs", () => {
  const terminal = new Terminal();
  const clock = new FakeClock();
  using display = new LiveDisplay({ terminal, width: () => 80, clock });
  display.update();
  display.writeSync(encoder.encode("early\n"));
  clock.advance(5000);
  assert.equal(terminal.sent, "early\n");
});

Deno.test("a terminal may take a few bytes at a time", () => {
  const { terminal, display } = open();
  terminal.most = 3;
  display.writeSync(encoder.encode("Grüße\n"));
  assert.deepEqual(terminal.screen, ["Grüße", "first of 80", "look 1"]);
  display[Symbol.dispose]();
});

Deno.test("a terminal that is gone loses log lines as errors, and nothing else", () => {
  const { terminal, clock, display } = open();
  terminal.broken = true;
  clock.advance(1000);
  assert.throws(() => display.writeSync(encoder.encode("lost\n")), Deno.errors.BrokenPipe);
  display[Symbol.dispose]();
});

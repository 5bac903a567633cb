/**
 * An exit that keeps to XOFF, sends XON and XOFF of its own only when they are due, and checks every
 * byte both ways.
 *
 * @module
 */
import assert from "node:assert/strict";
import { RelayCommand } from "../../src/cell/command.ts";
import { decodeXon, encodeXoff, encodeXon } from "../../src/cell/flow_control_messages.ts";
import { encodeSendme } from "../../src/cell/sendme.ts";
import { type ControlledStream, controlledStream, EXIT } from "./congestion_controlled.ts";

const { DATA, SENDME, XOFF, XON } = RelayCommand;
const CELL_DATA = 498;
/** Bytes that an exit must have been sent for each XOFF and XON. */
const DUE_AFTER = 500 * 488;
/** DATA messages that a circuit SENDME answers. */
const INCREMENT = 100;

/** What can happen next; each takes a number. */
export type Step = "data" | "read" | "write" | "stop" | "go" | "wait";

/** Both ends of one stream. */
export class ExitModel {
  readonly #test: ControlledStream;
  /** Bytes that the exit has sent and that were read, and whether it may send. */
  #sent = 0;
  #read = 0;
  #maySend = true;
  /** Bytes that were written and that have come to the exit, in so many messages. */
  #written = 0;
  #came = 0;
  #messages = 0;
  #stopped = false;
  #xoffs = 0;
  #xons = 0;
  readonly #writes: Promise<void>[] = [];
  /** How often the client has sent XOFF, and the exit has stopped the client. */
  readonly counts = { xoffsFromClient: 0, xoffsFromExit: 0 };

  private constructor(test: ControlledStream) {
    this.#test = test;
  }

  static async start(): Promise<ExitModel> {
    return new ExitModel(await controlledStream());
  }

  /** The exit sends so many DATA messages, as far as it may. */
  data(count: number): void {
    const { end, streamId } = this.#test;
    for (let left = count; left > 0 && this.#maySend; left--) {
      const length = 1 + (this.#sent * 7 + left * 131) % CELL_DATA;
      end.deliver(EXIT, DATA, streamId, bytesAt(this.#sent, length));
      this.#sent += length;
      this.#take();
    }
  }

  /** The application reads so many times, as long as something waits. */
  async read(count: number): Promise<void> {
    for (let left = count; left > 0 && this.#read < this.#sent; left--) {
      const bytes = await this.#test.stream.read();
      assert.ok(bytes !== null);
      assert.deepEqual(bytes, bytesAt(this.#read, bytes.length));
      this.#read += bytes.length;
      this.#take();
    }
  }

  /** The application writes so many bytes. */
  write(length: number): void {
    this.#writes.push(this.#test.stream.write(bytesAt(this.#written, length)));
    this.#written += length;
    this.#take();
  }

  /** The exit sends XOFF, if one is due, and an XON after it. */
  stop(): void {
    if (this.#stopped || this.#came < DUE_AFTER * (1 + Math.max(this.#xoffs, this.#xons))) return;
    this.#xoffs++;
    this.#stopped = true;
    this.counts.xoffsFromExit++;
    this.#test.end.deliver(EXIT, XOFF, this.#test.streamId, encodeXoff());
    this.#take();
  }

  /** The exit sends XON with a rate made of this number, if one is due. */
  go(number: number): void {
    if (!this.#stopped && this.#came < DUE_AFTER * (2 + this.#xons)) return;
    this.#xons++;
    this.#stopped = false;
    const rate = number % 3 === 0 ? 0 : 1 + number % 500;
    this.#test.end.deliver(EXIT, XON, this.#test.streamId, encodeXon(rate));
    this.#take();
  }

  /** So many ms go by. */
  wait(ms: number): void {
    this.#test.clock.advance(ms);
    this.#take();
  }

  /** Everything that was sent comes at last, on both sides. */
  async finish(): Promise<void> {
    const { circuit, clock } = this.#test;
    await this.read(Infinity);
    assert.equal(this.#read, this.#sent);
    if (this.#stopped) this.go(0);
    // At 1 kB a second, the slowest there is.
    for (let left = this.#written / 1000 + 2; left > 0 && this.#came < this.#written; left--) {
      this.wait(1000);
    }
    assert.equal(this.#came, this.#written);
    await Promise.all(this.#writes);
    assert.equal(clock.pendingTimers, 0);
    const next = this.#test.stream.read();
    this.#take();
    assert.equal(this.#maySend, true);
    circuit.close();
    await assert.rejects(next);
  }

  /** Takes what the client has sent, until an answer to it brings nothing more. */
  #take(): void {
    const { end, circuit } = this.#test;
    for (;;) {
      const messages = end.takeMessages();
      if (messages.length === 0) break;
      for (const { command, streamId, body, digest } of messages) {
        if (streamId === 0) continue;
        switch (command) {
          case DATA:
            assert.equal(this.#stopped, false, "DATA in spite of XOFF");
            assert.deepEqual(body, bytesAt(this.#came, body.length));
            this.#came += body.length;
            if (++this.#messages % INCREMENT === 0) {
              end.deliver(EXIT, SENDME, 0, encodeSendme(digest));
            }
            break;
          case XOFF:
            assert.equal(this.#maySend, true, "XOFF twice");
            this.counts.xoffsFromClient++;
            this.#maySend = false;
            break;
          case XON:
            decodeXon(body);
            this.#maySend = true;
            break;
          default:
            assert.fail(`relay command ${command}`);
        }
      }
    }
    assert.equal(circuit.closedBy, undefined);
  }
}

/** Bytes that depend on their place in the stream. */
function bytesAt(start: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = (start + index) % 251;
  return bytes;
}

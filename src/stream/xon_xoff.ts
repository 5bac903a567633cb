/**
 * Stream flow control by XON and XOFF, where a circuit has congestion control (proposal 324,
 * "Stream Flow Control Without Windows"; C tor's decisions).
 *
 * @module
 */
import { RelayCommand } from "../cell/command.ts";
import { decodeXoff, decodeXon, encodeXoff, encodeXon } from "../cell/flow_control_messages.ts";
import { CircuitError } from "../circuit/errors.ts";
import type { HalfOpenStream } from "../circuit/half_open_streams.ts";
import type { StreamFlowControlParameters } from "../circuit/stream_flow_control_parameters.ts";
import type { Clock, Timer } from "../runtime/clock.ts";
import { DrainRate } from "./drain_rate.ts";
import { FlowMessageLimits } from "./flow_message_limits.ts";
import { SendRate } from "./send_rate.ts";
import type { FlowControlledStream, StreamFlowControl } from "./stream_flow_control.ts";

/** How long more than the limit may wait before XOFF is sent, in ms: the reader may be just about to come. */
const XOFF_GRACE = 5;
/** More bytes waiting than these mean that the reader does not keep up: 32 cells, at one go. */
const EXPECTED_BURST = 32 * 488;
/** The rates of XON beyond this are no limit, in bytes a second (C tor: INT32_MAX). */
const NO_LIMIT_BEYOND = 2 ** 31 - 1;

/** What {@link XonXoff} is made from. */
export interface XonXoffParts {
  readonly stream: FlowControlledStream;
  readonly parameters: StreamFlowControlParameters;
  readonly clock: Clock;
  /** How many DATA messages may still come that were sent before the exit hears of our next one. */
  readonly mostInFlight: () => number;
}

/**
 * Both directions of one stream. There is no window: the exit sends what its circuit takes until it
 * gets XOFF, which goes out when cc_xoff_client messages have been waiting for the reader for 5 ms.
 * What was on its way then comes too, and no more messages than can have been.
 */
export class XonXoff implements StreamFlowControl {
  readonly #stream: FlowControlledStream;
  readonly #xoffLimit: number;
  readonly #mostInFlight: () => number;
  readonly #clock: Clock;
  readonly #drainRate: DrainRate;
  readonly #limits: FlowMessageLimits;
  readonly #sendRate: SendRate;
  #resuming: Timer | undefined;
  #xoffSent = false;
  /** DATA messages that may come after the XOFF that was sent. */
  #leftAfterXoff = 0;
  /** Since when more than the limit waits, in ms; undefined while it does not. */
  #overLimitSince: number | undefined;

  constructor({ stream, parameters, clock, mostInFlight }: XonXoffParts) {
    this.#mostInFlight = mostInFlight;
    this.#stream = stream;
    this.#xoffLimit = parameters.xoffClient;
    this.#clock = clock;
    this.#drainRate = new DrainRate(parameters, clock);
    this.#limits = new FlowMessageLimits(parameters);
    this.#sendRate = new SendRate(clock);
  }

  maySend(): boolean {
    if (this.#limits.isStopped) return false;
    if (this.#sendRate.isOpen) return true;
    this.#resuming ??= this.#clock.setTimer(() => {
      this.#resuming = undefined;
      this.#stream.resume();
    }, this.#sendRate.wait);
    return false;
  }

  onSent(length: number): void {
    this.#limits.onSent(length);
    this.#sendRate.spend(length);
  }

  onReceived(waiting: number): void {
    if (this.#xoffSent) {
      if (--this.#leftAfterXoff < 0) throw violation("DATA in spite of XOFF");
    } else if (waiting <= this.#xoffLimit) this.#overLimitSince = undefined;
    else this.#considerXoff();
    if (waiting > EXPECTED_BURST) this.#considerXon(0, waiting);
  }

  onTaken(): void {
    // What counts is when the reader has dealt with it.
  }

  onDrained(drained: number, waiting: number): void {
    this.#considerXon(drained, waiting);
  }

  onMessage(command: number, body: Uint8Array): boolean {
    switch (command) {
      case RelayCommand.XOFF:
        decodeXoff(body);
        if (!this.#limits.onXoff()) throw violation("an XOFF that was not due");
        return true;
      case RelayCommand.XON: {
        const rate = decodeXon(body) * 1000;
        if (!this.#limits.onXon()) throw violation("an XON that was not due");
        this.#sendRate.limit(rate === 0 || rate > NO_LIMIT_BEYOND ? Infinity : rate);
        this.#stopTimer();
        this.#stream.resume();
        return true;
      }
      case RelayCommand.SENDME:
        throw violation("a stream SENDME on a circuit with congestion control");
      default:
        return false;
    }
  }

  halfOpen(): Pick<HalfOpenStream, "data" | "sendmes" | "flowMessages"> {
    return { data: this.#mostInFlight(), sendmes: 0, flowMessages: this.#limits };
  }

  close(): void {
    this.#stopTimer();
  }

  #stopTimer(): void {
    this.#resuming?.cancel();
    this.#resuming = undefined;
  }

  #considerXoff(): void {
    const now = this.#clock.monotonic();
    this.#overLimitSince ??= now;
    if (now - this.#overLimitSince <= XOFF_GRACE) return;
    this.#overLimitSince = undefined;
    this.#xoffSent = true;
    this.#leftAfterXoff = this.#mostInFlight();
    this.#drainRate.reset();
    this.#stream.sendFlowMessage(RelayCommand.XOFF, encodeXoff());
  }

  #considerXon(drained: number, waiting: number): void {
    const rate = this.#drainRate;
    rate.count(drained, waiting);
    if (this.#xoffSent ? waiting === 0 : rate.hasChanged) {
      this.#xoffSent = false;
      this.#stream.sendFlowMessage(RelayCommand.XON, encodeXon(rate.tell()));
    }
    if (waiting === 0) rate.rest();
  }
}

function violation(what: string): CircuitError {
  return new CircuitError("circuit-protocol-violation", `protocol violation: ${what}`);
}

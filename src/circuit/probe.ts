/**
 * Asks a circuit's last hop for a sign of life.
 *
 * @module
 */
import { RelayCommand, relayCommandName } from "../cell/command.ts";
import { encodeBegin, END_BODY_MISC } from "../cell/stream_messages.ts";
import { abortable } from "../runtime/deadline.ts";
import { randomBytes, type RandomSource } from "../runtime/random.ts";
import type { StreamReceiver } from "./circuit_parts.ts";
import { CircuitError } from "./errors.ts";
import type { StreamCircuit } from "./stream_circuit.ts";

/** The port that C tor's probes go to. */
const PROBE_PORT = 25;

/**
 * Begins a stream to an address in 0.0.0.0/8, which no exit connects to, and waits for the answer,
 * a refusal: the way to the last hop and back is open, however slow a real target may be. C tor
 * probes circuits for path bias in this way (path-spec, "Detecting route manipulation by Guard
 * nodes"), so that such a stream is nothing special.
 *
 * @throws CircuitError when the circuit is closed, or the signal's reason
 */
export async function probe(
  circuit: StreamCircuit,
  random: RandomSource,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const stream = new ProbeStream(circuit, random);
  try {
    await abortable(stream.answered, signal);
  } finally {
    stream.close();
  }
}

/** DATA messages that an exit could send before it saw our END. */
const STREAM_WINDOW = 500;

class ProbeStream implements StreamReceiver {
  readonly answered: Promise<void>;
  readonly #circuit: StreamCircuit;
  readonly #id: number;
  readonly #settle: PromiseWithResolvers<void>;
  #connected = false;
  #ended = false;

  constructor(circuit: StreamCircuit, random: RandomSource) {
    this.#circuit = circuit;
    this.#settle = Promise.withResolvers();
    this.answered = this.#settle.promise;
    // The circuit may be closed before anybody waits.
    this.answered.catch(() => {});
    const address = `0.${randomBytes(random, 3).join(".")}`;
    this.#id = circuit.attachStream(this);
    circuit.send(RelayCommand.BEGIN, this.#id, encodeBegin(address, PROBE_PORT, 0));
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    try {
      this.#circuit.send(RelayCommand.END, this.#id, END_BODY_MISC);
    } catch {
      // The circuit is gone, and the stream with it.
    }
    this.#circuit.detachStream(this.#id, {
      data: STREAM_WINDOW,
      sendmes: 0,
      connectedPending: !this.#connected,
      resolve: false,
    });
  }

  onMessage(command: number): void {
    switch (command) {
      case RelayCommand.END:
        this.#ended = true;
        this.#circuit.detachStream(this.#id);
        break;
      case RelayCommand.CONNECTED:
        // An exit without manners, but alive.
        this.#connected = true;
        break;
      default:
        throw new CircuitError(
          "circuit-protocol-violation",
          `protocol violation: ${relayCommandName(command)} for a probe`,
        );
    }
    this.#settle.resolve();
  }

  onCircuitClosed(error: CircuitError): void {
    this.#ended = true;
    this.#settle.reject(error);
  }

  onPackage(): boolean {
    return false;
  }
}

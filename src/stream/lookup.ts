/**
 * A name or address lookup through a circuit: RESOLVE and RESOLVED (tor-spec, "Remote hostname
 * lookup").
 *
 * @module
 */
import { RelayCommand, relayCommandName } from "../cell/command.ts";
import {
  decodeEnd,
  decodeResolved,
  encodeResolve,
  END_BODY_MISC,
  type ResolvedAnswer,
} from "../cell/stream_messages.ts";
import type { StreamReceiver } from "../circuit/circuit_parts.ts";
import { CircuitError } from "../circuit/errors.ts";
import type { StreamCircuit } from "../circuit/stream_circuit.ts";
import { abortable } from "../runtime/deadline.ts";
import { StreamError } from "./errors.ts";

/**
 * Asks the last hop for the addresses of a name, or for the name of an address in its
 * `in-addr.arpa` or `ip6.arpa` form.
 *
 * @throws StreamError or CircuitError, or the signal's reason
 */
export async function lookUp(
  circuit: StreamCircuit,
  name: string,
  signal: AbortSignal,
): Promise<ResolvedAnswer[]> {
  const lookup = new Lookup(circuit, name);
  try {
    return await abortable(lookup.answers, signal);
  } finally {
    lookup.close();
  }
}

class Lookup implements StreamReceiver {
  readonly answers: Promise<ResolvedAnswer[]>;
  readonly #circuit: StreamCircuit;
  readonly #id: number;
  #settle: {
    resolve(answers: ResolvedAnswer[]): void;
    reject(error: StreamError): void;
  } | undefined;

  constructor(circuit: StreamCircuit, name: string) {
    this.#circuit = circuit;
    this.answers = new Promise((resolve, reject) => this.#settle = { resolve, reject });
    // The circuit may be closed before anybody waits for the answers.
    this.answers.catch(() => {});
    const body = encodeResolve(name);
    this.#id = circuit.attachStream(this);
    circuit.send(RelayCommand.RESOLVE, this.#id, body);
  }

  /** Gives the lookup up, if it has not ended. */
  close(): void {
    if (this.#settle === undefined) return;
    this.#settle = undefined;
    try {
      this.#circuit.send(RelayCommand.END, this.#id, END_BODY_MISC);
    } catch {
      // The circuit is gone, and the lookup with it.
    }
    this.#circuit.detachStream(this.#id, {
      data: 0,
      sendmes: 0,
      connectedPending: false,
      resolve: true,
    });
  }

  onMessage(command: number, buffer: Uint8Array, offset: number, length: number): void {
    const body = buffer.subarray(offset, offset + length);
    switch (command) {
      case RelayCommand.RESOLVED: {
        const answers = decodeResolved(body);
        this.#circuit.detachStream(this.#id);
        this.#settle?.resolve(answers);
        break;
      }
      case RelayCommand.END: {
        const { reason } = decodeEnd(body);
        this.#circuit.detachStream(this.#id);
        this.#settle?.reject(new StreamError(`end-${reason}`, `the lookup was ended: ${reason}`));
        break;
      }
      default:
        throw new CircuitError(
          "circuit-protocol-violation",
          `protocol violation: ${relayCommandName(command)} for a lookup`,
        );
    }
    this.#settle = undefined;
  }

  onCircuitClosed(error: CircuitError): void {
    this.#settle?.reject(
      new StreamError("stream-circuit-closed", `the circuit was closed: ${error.message}`, {
        cause: error,
      }),
    );
    this.#settle = undefined;
  }

  onPackage(): boolean {
    return false;
  }
}

/**
 * The streams that end at an embedded relay: TCP connections to the loopback interface, directory
 * requests, and lookups of names.
 *
 * @module
 */
import { RelayCommand } from "../src/cell/command.ts";
import type { RelayContext } from "./relay_context.ts";
import { decodeBegin, decodeResolve, DestroyReason } from "./relay_messages.ts";
import { RelayStream } from "./relay_stream.ts";
import { connect, openDirectory, type OpenedEndpoint, resolve } from "./stream_endpoint.ts";

/** What streams use of their circuit, or of a Conflux set. */
export interface StreamCarrier {
  readonly relay: RelayContext;
  /** Whether the handshake has agreed on congestion control. */
  readonly congestionControl: boolean;
  /** Aborted when it is closed. */
  readonly signal: AbortSignal;
  /** Whether a DATA message can be sent now without waiting. */
  readonly canPackage: boolean;
  /** The most data that the next DATA message may carry, in bytes. */
  readonly nextDataLength: number;
  /** Sends a message to the client, unless the relay's behaviour is another. */
  say(command: number, streamId: number, body: Uint8Array): void;
  /** Closes it with DESTROY. */
  destroy(reason: number): void;
}

/** The streams of one circuit. */
export class RelayStreams {
  readonly #circuit: StreamCarrier;
  readonly #streams = new Map<number, RelayStream>();
  #turn = 0;

  constructor(circuit: StreamCarrier) {
    this.#circuit = circuit;
  }

  /** There may be room on the circuit again: the streams take it in turns who is first. */
  wake(): void {
    const streams = [...this.#streams.values()];
    const first = this.#turn++;
    for (let index = 0; index < streams.length; index++) {
      streams[(first + index) % streams.length].wake();
    }
  }

  /**
   * A message for a stream; those for streams that are gone are dropped.
   *
   * @throws CellError when it is malformed, for which the circuit is to be closed
   */
  onMessage(command: number, streamId: number, body: Uint8Array): void {
    const circuit = this.#circuit;
    const stream = this.#streams.get(streamId);
    switch (command) {
      case RelayCommand.BEGIN: {
        const { hostname, port } = decodeBegin(body);
        return this.#open(streamId, (relay, signal) => connect(relay, hostname, port, signal));
      }
      case RelayCommand.BEGIN_DIR:
        return this.#open(streamId, (relay) => Promise.resolve(openDirectory(relay)));
      case RelayCommand.RESOLVE:
        return circuit.say(
          RelayCommand.RESOLVED,
          streamId,
          resolve(circuit.relay, decodeResolve(body)),
        );
      case RelayCommand.DATA:
        if (stream?.onData(body) === false) circuit.destroy(DestroyReason.PROTOCOL);
        return;
      case RelayCommand.SENDME:
      case RelayCommand.XON:
      case RelayCommand.XOFF:
        if (stream?.onFlowMessage(command, body) === false) {
          circuit.destroy(DestroyReason.PROTOCOL);
        }
        return;
      case RelayCommand.END:
        this.#streams.delete(streamId);
        stream?.onEnd();
        return;
    }
  }

  #open(
    streamId: number,
    open: (relay: RelayContext, signal: AbortSignal) => Promise<OpenedEndpoint>,
  ): void {
    const circuit = this.#circuit;
    if (streamId === 0 || this.#streams.has(streamId)) {
      return circuit.destroy(DestroyReason.PROTOCOL);
    }
    const stream = new RelayStream(circuit, streamId, () => {
      if (this.#streams.get(streamId) === stream) this.#streams.delete(streamId);
    });
    this.#streams.set(streamId, stream);
    circuit.relay.tasks.add(stream.run((signal) => open(circuit.relay, signal)));
  }
}

/**
 * The streams that end at an embedded relay: TCP connections to the loopback interface, directory
 * requests, and lookups of names.
 *
 * @module
 */
import ipaddr from "ipaddr.js";
import { RelayCommand } from "../src/cell/command.ts";
import { DirectoryEndpoint } from "./directory_endpoint.ts";
import type { RelayCircuit } from "./relay_circuit.ts";
import {
  decodeBegin,
  decodeResolve,
  DestroyReason,
  encodeConnected,
  encodeEnd,
  encodeResolved,
  EndReason,
} from "./relay_messages.ts";
import type { RelayContext } from "./relay_context.ts";
import { RelayStream, type StreamEndpoint } from "./relay_stream.ts";

/** What a stream is opened to, and what CONNECTED says. */
export interface OpenedEndpoint {
  readonly endpoint: StreamEndpoint;
  readonly connected: Uint8Array;
}

/** Why a stream cannot be opened: the body of its END. */
export class StreamRefusal extends Error {
  readonly end: Uint8Array;

  constructor(end: Uint8Array) {
    super("the stream is refused");
    this.end = end;
  }
}

/** The streams of one circuit. */
export class RelayStreams {
  readonly #circuit: RelayCircuit;
  readonly #streams = new Map<number, RelayStream>();

  constructor(circuit: RelayCircuit) {
    this.#circuit = circuit;
  }

  /** There may be room on the circuit again. */
  wake(): void {
    for (const stream of [...this.#streams.values()]) stream.wake();
  }

  /** Ends all streams without a word, because the circuit is closed. */
  close(): void {
    for (const stream of [...this.#streams.values()]) stream.close();
    this.#streams.clear();
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
        if (stream?.onSendme() === false) circuit.destroy(DestroyReason.PROTOCOL);
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

/** Connects an exit to an address of the loopback interface, or to a name that stands for one. */
async function connect(
  relay: RelayContext,
  hostname: string,
  port: number,
  signal: AbortSignal,
): Promise<OpenedEndpoint> {
  const address = ipaddr.isValid(hostname) ? hostname : relay.names[hostname.toLowerCase()];
  if (address === undefined) throw new StreamRefusal(encodeEnd(EndReason.RESOLVE_FAILED));
  if (!relay.isExit || ipaddr.parse(address).range() !== "loopback") {
    throw new StreamRefusal(encodeEnd(EndReason.EXIT_POLICY, address));
  }
  try {
    const endpoint = await relay.runtime.network.connect({ hostname: address, port }, signal);
    return { endpoint, connected: encodeConnected(address) };
  } catch (error) {
    const refused = error instanceof Deno.errors.ConnectionRefused;
    throw new StreamRefusal(
      encodeEnd(refused ? EndReason.CONNECTION_REFUSED : EndReason.MISC),
    );
  }
}

function openDirectory(relay: RelayContext): OpenedEndpoint {
  return { endpoint: new DirectoryEndpoint(relay.directory), connected: new Uint8Array(0) };
}

/** The body of RESOLVED for a name, an address, or a name of the reverse form. */
function resolve(relay: RelayContext, name: string): Uint8Array {
  if (ipaddr.isValid(name)) return encodeResolved(addressAnswer(name));
  const found = relay.isExit ? relay.names[name.toLowerCase()] : undefined;
  if (found === undefined) return encodeResolved(undefined);
  return encodeResolved(
    ipaddr.isValid(found) ? addressAnswer(found) : { kind: "name", value: found },
  );
}

function addressAnswer(value: string): { kind: "ip4" | "ip6"; value: string } {
  return { kind: value.includes(":") ? "ip6" : "ip4", value };
}

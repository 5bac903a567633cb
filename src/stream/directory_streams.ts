/**
 * Directory streams: BEGIN_DIR through a circuit of one hop.
 *
 * @module
 */
import { RelayCommand } from "../cell/command.ts";
import type { Circuit, FirstHop } from "../circuit/circuit.ts";
import type { ChannelTarget } from "../channel/connect.ts";
import type { DirectoryServer, DirectoryTransport } from "../directory/transport.ts";
import type { ByteStream } from "../runtime/byte_stream.ts";
import { TorStream } from "./tor_stream.ts";

/** Builds the one-hop circuits; the circuit manager does. */
export interface OneHopCircuits {
  /** @throws CircuitError or ChannelError, or the signal's reason */
  oneHop(target: ChannelTarget & FirstHop, signal: AbortSignal): Promise<Circuit>;
}

/** Opens each directory stream on a circuit of its own, which is closed with it. */
export class DirectoryStreams implements DirectoryTransport {
  readonly #circuits: OneHopCircuits;

  constructor(circuits: OneHopCircuits) {
    this.#circuits = circuits;
  }

  async open(server: DirectoryServer, signal: AbortSignal): Promise<ByteStream> {
    const circuit = await this.#circuits.oneHop(
      server.kind === "relay" ? server.relay : server,
      signal,
    );
    const stream = TorStream.begin(circuit, RelayCommand.BEGIN_DIR);
    const close = () => {
      signal.removeEventListener("abort", close);
      stream.close();
      circuit.close();
    };
    signal.addEventListener("abort", close, { once: true });
    if (signal.aborted) close();
    return { read: () => stream.read(), write: (bytes) => stream.write(bytes), close };
  }
}

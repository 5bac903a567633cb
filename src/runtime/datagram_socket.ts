/**
 * UDP: messages that come and go one by one.
 *
 * @module
 */
import { createSocket, type Socket } from "node:dgram";
import { formatAddress, type SocketAddress } from "./network.ts";

/** Told of each message; the bytes stay valid. */
export type DatagramListener = (bytes: Uint8Array, from: SocketAddress) => void;

/** A UDP port that is open. */
export class DatagramSocket {
  /** The address that messages are received at, with the real port. */
  readonly address: SocketAddress;
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const { address, port } = socket.address();
    this.address = { hostname: address, port };
  }

  /**
   * Opens a port; 0 asks for any free one.
   *
   * @throws Deno.errors.AddrInUse, AddrNotAvailable, PermissionDenied or NotCapable, or what else
   * the operating system says
   */
  static async bind(address: SocketAddress, listener: DatagramListener): Promise<DatagramSocket> {
    requirePermission(address);
    const socket = createSocket(address.hostname.includes(":") ? "udp6" : "udp4");
    const bound = Promise.withResolvers<void>();
    socket.on("error", (error) => bound.reject(asDenoError(error)));
    socket.on(
      "message",
      (bytes, { address, port }) => listener(bytes, { hostname: address, port }),
    );
    socket.bind({ address: address.hostname, port: address.port, exclusive: true }, bound.resolve);
    try {
      await bound.promise;
    } catch (error) {
      socket.close();
      throw error;
    }
    return new DatagramSocket(socket);
  }

  /** Sends a message, which may get lost; what fails is forgotten. */
  send(bytes: Uint8Array, to: SocketAddress): void {
    this.#socket.send(bytes, to.port, to.hostname, () => {});
  }

  /** Resolves when nothing is received any more; to be called once. */
  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }
}

/** Without it the refusal would come out of nowhere and end the process. */
function requirePermission(address: SocketAddress): void {
  const host = formatAddress(address);
  if (Deno.permissions.querySync({ name: "net", host }).state !== "granted") {
    throw new Deno.errors.NotCapable(
      `Requires net access to "${host}", run again with the --allow-net flag`,
    );
  }
}

function asDenoError(error: Error): Error {
  const code = "code" in error ? error.code : undefined;
  switch (code) {
    case "EADDRINUSE":
      return new Deno.errors.AddrInUse("Address already in use", { cause: error });
    case "EADDRNOTAVAIL":
      return new Deno.errors.AddrNotAvailable("Address not available", { cause: error });
    case "EACCES":
      return new Deno.errors.PermissionDenied("Permission denied", { cause: error });
    default:
      return error;
  }
}

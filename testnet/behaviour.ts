/**
 * What an embedded relay does where a misbehaving one would do something else: the hooks, and the
 * honest relay's answer to each.
 *
 * A misbehaviour is a plain object with a name and the hooks that it changes. Most hooks get `next`,
 * which does what an honest relay would: not calling it drops something, calling it twice doubles
 * it, and calling it later delays it.
 *
 * @module
 */
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { CircuitExtension } from "../src/cell/circuit_extensions.ts";
import type { ExtendTarget } from "../src/cell/create.ts";
import type { RelayCertsParts } from "./certificates.ts";
import type { DirectoryAnswer, DirectoryRequest } from "./directory_http.ts";
import type { LinkIdentity } from "./link_certificate.ts";
import type { Agreement } from "./relay_protocols.ts";

/** The cells that the responder of a link handshake sends once VERSIONS has come, each whole. */
export interface LinkCells {
  readonly versions: Uint8Array;
  readonly certs: Uint8Array;
  readonly authChallenge: Uint8Array;
  readonly netinfo: Uint8Array;
}

/** The end of a link, as a hook can use it. */
export interface LinkActions {
  /** Sends a fixed-length cell with zeros after `body`. */
  sendCell(circuitId: number, command: number, body: Uint8Array): void;
  /** Sends bytes as they are. */
  sendBytes(bytes: Uint8Array): void;
  /** Closes the TLS connection. */
  close(): void;
}

/** A cell that asks for a new circuit. */
export interface CreateCell {
  /** CREATE_FAST or CREATE2. */
  readonly command: number;
  /** 509 bytes. */
  readonly body: Uint8Array;
}

/** What becomes of a cell that asks for a new circuit. */
export type CreateAnswer =
  /** CREATED_FAST or CREATED2 with this body, zeros after it. */
  | { readonly kind: "created"; readonly command: number; readonly body: Uint8Array }
  | { readonly kind: "destroy"; readonly reason: number }
  | { readonly kind: "silence" };

/** A relay message that the client has sent to this relay. */
export interface ReceivedMessage {
  readonly command: number;
  readonly streamId: number;
  /** A view, valid only during the call. */
  readonly body: Uint8Array;
  /** Whether it came in a RELAY_EARLY cell. */
  readonly early: boolean;
}

/** A relay message that this relay sends to the client. */
export interface OutgoingMessage {
  readonly command: number;
  readonly streamId: number;
  /** At most 498 bytes; a view, valid only during the call. */
  readonly body: Uint8Array;
  /** What the length field says; the length of `body` unless given. */
  readonly length?: number;
}

/** A cell on a circuit towards the client, encrypted already. */
export interface OutgoingCell {
  /** RELAY, unless a hook changes it. */
  readonly command: number;
  /** 509 bytes, which may be changed in place; valid only during the call. */
  readonly body: Uint8Array;
}

/** A circuit at this relay, as a hook can use it. */
export interface CircuitActions {
  /** Different for each circuit of the relay. */
  readonly number: number;
  /** Whether the handshake has agreed on congestion control. */
  readonly congestionControl: boolean;
  /** The end of the link that the circuit came by. */
  readonly link: LinkActions;
  /** Its id on that link. */
  readonly circuitId: number;
  /** DATA messages that came from the client for this relay. */
  readonly dataReceived: number;
  /** DATA messages that were sent to the client by this relay. */
  readonly dataSent: number;
  /** Seals and sends a message to the client, past the hook `sendMessage`; windows do not stop it. */
  send(message: OutgoingMessage): void;
  /** Sends a cell on the circuit towards the client as it is, past the hook `sendCell`. */
  sendCell(command: number, body: Uint8Array): void;
  /** Closes the circuit with DESTROY in both directions. */
  destroy(reason: number): void;
}

/** All hooks. */
export interface RelayBehaviour {
  /** Says what it does, for the names of tests. */
  readonly name: string;
  /** The certificate and the key of the TLS server; asked once, when the relay starts. */
  linkIdentity(next: () => LinkIdentity): LinkIdentity;
  /**
   * Begins TLS on a connection that was accepted.
   *
   * @param next begins it as a TLS server does
   * @returns what carries the cells, or `undefined` when the hook deals with the socket itself
   */
  acceptTls(socket: Socket, next: () => Duplex): Duplex | undefined;
  /** The parts of the certificates in the CERTS cell, before they are signed. */
  certs(parts: RelayCertsParts): RelayCertsParts;
  /** What is sent once the peer's VERSIONS has come; "close" closes the connection. */
  linkCells(cells: LinkCells): Iterable<Uint8Array | "close">;
  /** The peer's NETINFO has come. */
  onChannelOpen(link: LinkActions): void;
  /** A cell asks for a new circuit. */
  answerCreate(create: CreateCell, next: () => CreateAnswer): CreateAnswer;
  /**
   * A client's ntor-v3 handshake asks for circuit extensions.
   *
   * @param honest what an honest relay makes of them
   */
  answerExtensions(asked: readonly CircuitExtension[], honest: Agreement): Agreement;
  /** A message came from the client, for this relay. */
  onMessage(message: ReceivedMessage, circuit: CircuitActions, next: () => void): void;
  /** The relay to which a circuit is extended that asks for `target`. */
  extendTarget(target: ExtendTarget, circuit: CircuitActions): ExtendTarget;
  /** This relay sends a message to the client. */
  sendMessage(
    message: OutgoingMessage,
    circuit: CircuitActions,
    next: (message: OutgoingMessage) => void,
  ): void;
  /** A cell goes towards the client: this relay's own, or one from further on. */
  sendCell(
    cell: OutgoingCell,
    circuit: CircuitActions,
    next: (cell: OutgoingCell) => void,
  ): void;
  /** A directory document is asked for. */
  answerDirectory(
    request: DirectoryRequest,
    next: () => DirectoryAnswer | Promise<DirectoryAnswer>,
  ): DirectoryAnswer | Promise<DirectoryAnswer>;
}

/** A relay that does something else than an honest one: a name, and the hooks that differ. */
export type Misbehaviour = Partial<RelayBehaviour> & Pick<RelayBehaviour, "name">;

/** What an honest relay does. */
export const HONEST: RelayBehaviour = {
  name: "honest",
  linkIdentity: (next) => next(),
  acceptTls: (_socket, next) => next(),
  certs: (parts) => parts,
  linkCells: ({ versions, certs, authChallenge, netinfo }) => [
    versions,
    certs,
    authChallenge,
    netinfo,
  ],
  onChannelOpen: () => {},
  answerCreate: (_create, next) => next(),
  answerExtensions: (_asked, honest) => honest,
  onMessage: (_message, _circuit, next) => next(),
  extendTarget: (target) => target,
  sendMessage: (message, _circuit, next) => next(message),
  sendCell: (cell, _circuit, next) => next(cell),
  answerDirectory: (_request, next) => next(),
};

/** The honest relay's hooks with those of a misbehaviour in place of some. */
export function behaviourOf(misbehaviour: Misbehaviour | undefined): RelayBehaviour {
  return { ...HONEST, ...misbehaviour };
}

/**
 * What an application may speak at a door that opens streams: how its request is read, and how it
 * is answered.
 *
 * @module
 */
import type { ResolvedAnswer } from "../stream/opener.ts";
import type { StreamRequest } from "./stream_request.ts";

/** How a request is answered; all of it is bytes to send. */
export interface Replies {
  /** The stream is open. */
  succeeded(): Uint8Array;
  /** What was found. */
  answered(answers: readonly ResolvedAnswer[]): Uint8Array;
  /** Neither; `code` is that of a TorError, or empty for what nobody expected. */
  failed(code: string): Uint8Array;
}

/** How a handshake ends. */
export type HandshakeOutcome =
  | {
    readonly kind: "request";
    readonly request: StreamRequest;
    readonly replies: Replies;
    /** What the application sent behind its request, without waiting for the reply. */
    readonly early: Uint8Array;
  }
  /** All is said, or nothing is to be said; `reason` is for the log, and holds nothing sensitive. */
  | { readonly kind: "over"; readonly reason: string };

/** What came of some more bytes. */
export interface HandshakeProgress {
  /** To be sent to the application now; often empty. */
  readonly reply: Uint8Array;
  /** Present when the handshake is over; nothing more is taken then. */
  readonly outcome: HandshakeOutcome | undefined;
}

/** The application's half of a handshake, from its first byte to the request. */
export interface Handshake {
  /** Takes the next bytes of the application; `bytes` may be reused afterwards. */
  push(bytes: Uint8Array): HandshakeProgress;
}

/** A protocol as one listener speaks it. */
export interface ApplicationProtocol {
  /** For logs. */
  readonly name: string;
  begin(): Handshake;
}

/** Bytes one behind the other. */
export function concatenate(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

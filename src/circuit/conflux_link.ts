/**
 * The check of what an exit says when a circuit has become a leg of a Conflux set.
 *
 * @module
 */
import { timingSafeEqual } from "node:crypto";
import { type ConfluxLink, decodeConfluxLink } from "../cell/conflux.ts";
import { CellError } from "../cell/errors.ts";
import { CircuitError } from "./errors.ts";

/**
 * Reads LINKED as the answer to a LINK.
 *
 * A nonce of another set would have two sets of one client tell on each other, and a set without
 * streams has not sent anything.
 *
 * @throws CircuitError `circuit-protocol-violation` when it is malformed, or not the answer
 */
export function checkLinked(asked: ConfluxLink, body: Uint8Array): ConfluxLink {
  const linked = decode(body);
  if (!timingSafeEqual(linked.nonce, asked.nonce)) throw violation("LINKED to another set");
  if (linked.lastSent !== asked.lastReceived || linked.lastReceived !== asked.lastSent) {
    throw violation("LINKED to a set with other messages");
  }
  return linked;
}

function decode(body: Uint8Array): ConfluxLink {
  try {
    return decodeConfluxLink(body);
  } catch (cause) {
    if (!(cause instanceof CellError)) throw cause;
    throw violation(cause.message, cause);
  }
}

function violation(what: string, cause?: unknown): CircuitError {
  return new CircuitError("circuit-protocol-violation", `protocol violation: ${what}`, { cause });
}

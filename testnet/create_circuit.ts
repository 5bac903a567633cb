/**
 * A relay's answer to a cell that asks for a new circuit.
 *
 * @module
 */
import { CellCommand } from "../src/cell/command.ts";
import { HandshakeType } from "../src/cell/create.ts";
import { CellError } from "../src/cell/errors.ts";
import { CryptoError } from "../src/crypto/errors.ts";
import type { HopKeys } from "../src/crypto/relay_crypto.ts";
import { randomBytes } from "../src/runtime/random.ts";
import type { CreateAnswer, CreateCell } from "./behaviour.ts";
import type { InboundChannel } from "./inbound_channel.ts";
import { RelayCircuit } from "./relay_circuit.ts";
import { type RelayContext, tell } from "./relay_context.ts";
import { decodeCreate2, DestroyReason, encodeCreated2 } from "./relay_messages.ts";
import { createFastServerReply, ntorServerReply } from "./server_handshakes.ts";

/**
 * Answers the cell.
 *
 * @returns the circuit, or `undefined` when there is none
 */
export function createCircuit(
  relay: RelayContext,
  link: InboundChannel,
  circuitId: number,
  create: CreateCell,
): RelayCircuit | undefined {
  const number = relay.nextCircuitNumber();
  tell(relay, { kind: "create", circuit: number, command: create.command });
  let keys: HopKeys | undefined;
  const answer = relay.behaviour.answerCreate(create, () => {
    const reply = doHandshake(relay, create);
    keys = reply?.keys;
    return reply?.answer ?? { kind: "destroy", reason: DestroyReason.PROTOCOL };
  });
  switch (answer.kind) {
    case "created":
      link.sendCell(circuitId, answer.command, answer.body);
      return keys && new RelayCircuit({ relay, link, circuitId, number, keys });
    case "destroy":
      link.sendCell(circuitId, CellCommand.DESTROY, Uint8Array.of(answer.reason));
      return undefined;
    case "silence":
      return undefined;
  }
}

interface HandshakeReply {
  readonly keys: HopKeys;
  readonly answer: CreateAnswer;
}

/** The relay's half of the handshake; `undefined` when the client's is no good. */
function doHandshake(relay: RelayContext, create: CreateCell): HandshakeReply | undefined {
  const { random } = relay.runtime;
  if (create.command === CellCommand.CREATE_FAST) {
    const x = create.body.subarray(0, 20);
    const { reply, keys } = createFastServerReply(x, randomBytes(random, 20));
    return { keys, answer: { kind: "created", command: CellCommand.CREATED_FAST, body: reply } };
  }
  try {
    const { handshakeType, handshake } = decodeCreate2(create.body);
    if (handshakeType !== HandshakeType.NTOR || handshake.length !== 84) return undefined;
    const { rsaIdBytes, onionSecret } = relay.keys;
    const identity = { id: rsaIdBytes, onionSecret };
    const done = ntorServerReply(identity, handshake, randomBytes(random, 32));
    if (done === undefined) return undefined;
    const body = encodeCreated2(done.reply);
    return { keys: done.keys, answer: { kind: "created", command: CellCommand.CREATED2, body } };
  } catch (error) {
    if (error instanceof CellError || error instanceof CryptoError) return undefined;
    throw error;
  }
}

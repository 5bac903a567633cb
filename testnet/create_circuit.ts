/**
 * A relay's answer to a cell that asks for a new circuit.
 *
 * @module
 */
import { type CircuitExtension, decodeCircuitExtensions } from "../src/cell/circuit_extensions.ts";
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
import { agree, type CircuitFlow, FIXED_WINDOWS } from "./relay_protocols.ts";
import { createFastServerReply, ntorServerReply, ntorV3ServerReply } from "./server_handshakes.ts";

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
  let made: MadeCircuit | undefined;
  const answer = relay.behaviour.answerCreate(create, () => {
    const reply = doHandshake(relay, create);
    made = reply?.made;
    return reply?.answer ?? { kind: "destroy", reason: DestroyReason.PROTOCOL };
  });
  switch (answer.kind) {
    case "created": {
      link.sendCell(circuitId, answer.command, answer.body);
      if (made === undefined) return undefined;
      const { keys, flow, handshakeType, asked } = made;
      const { congestionControl } = flow;
      tell(relay, { kind: "created", circuit: number, handshakeType, asked, congestionControl });
      return new RelayCircuit({ relay, link, circuitId, number, keys, flow });
    }
    case "destroy":
      link.sendCell(circuitId, CellCommand.DESTROY, Uint8Array.of(answer.reason));
      return undefined;
    case "silence":
      return undefined;
  }
}

/** What a handshake has given. */
interface MadeCircuit {
  readonly keys: HopKeys;
  readonly flow: CircuitFlow;
  /** `undefined` for CREATE_FAST. */
  readonly handshakeType: number | undefined;
  readonly asked: readonly CircuitExtension[];
}

interface HandshakeReply {
  readonly made: MadeCircuit;
  readonly answer: CreateAnswer;
}

/** The relay's half of the handshake; `undefined` when the client's is no good. */
function doHandshake(relay: RelayContext, create: CreateCell): HandshakeReply | undefined {
  if (create.command === CellCommand.CREATE_FAST) {
    const x = create.body.subarray(0, 20);
    const { reply, keys } = createFastServerReply(x, randomBytes(relay.runtime.random, 20));
    return {
      made: { keys, flow: FIXED_WINDOWS, handshakeType: undefined, asked: [] },
      answer: { kind: "created", command: CellCommand.CREATED_FAST, body: reply },
    };
  }
  try {
    const { handshakeType, handshake } = decodeCreate2(create.body);
    switch (handshakeType) {
      case HandshakeType.NTOR:
        return doNtor(relay, handshake);
      case HandshakeType.NTOR_V3:
        return relay.capabilities.ntorV3 ? doNtorV3(relay, handshake) : undefined;
      default:
        return undefined;
    }
  } catch (error) {
    if (error instanceof CellError || error instanceof CryptoError) return undefined;
    throw error;
  }
}

function doNtor(relay: RelayContext, handshake: Uint8Array): HandshakeReply | undefined {
  if (handshake.length !== 84) return undefined;
  const { rsaIdBytes: id, onionSecret } = relay.keys;
  const secret = randomBytes(relay.runtime.random, 32);
  const done = ntorServerReply({ id, onionSecret }, handshake, secret);
  if (done === undefined) return undefined;
  const { NTOR: handshakeType } = HandshakeType;
  return {
    made: { keys: done.keys, flow: FIXED_WINDOWS, handshakeType, asked: [] },
    answer: created2(done.reply),
  };
}

/** @throws CellError when the client's message is no list of extensions */
function doNtorV3(relay: RelayContext, handshake: Uint8Array): HandshakeReply | undefined {
  const { ed25519IdBytes: id, onionSecret } = relay.keys;
  const secret = randomBytes(relay.runtime.random, 32);
  let asked: readonly CircuitExtension[] = [];
  let flow = FIXED_WINDOWS;
  const done = ntorV3ServerReply({ id, onionSecret }, handshake, secret, (message) => {
    asked = decodeCircuitExtensions(message);
    const honest = agree(relay.capabilities, asked);
    if (honest === undefined) return undefined;
    const agreement = relay.behaviour.answerExtensions(asked, honest);
    flow = agreement.flow;
    return agreement.message;
  });
  if (done === undefined) return undefined;
  const { NTOR_V3: handshakeType } = HandshakeType;
  return {
    made: { keys: done.keys, flow, handshakeType, asked },
    answer: created2(done.reply),
  };
}

function created2(reply: Uint8Array): CreateAnswer {
  return { kind: "created", command: CellCommand.CREATED2, body: encodeCreated2(reply) };
}

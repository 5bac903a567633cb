/**
 * The handshakes by which a relay becomes a hop: which one is made, and what is agreed on in it.
 *
 * @module
 */
import {
  CC_REQUEST,
  decodeCcResponse,
  decodeCircuitExtensions,
  encodeCircuitExtensions,
} from "../cell/circuit_extensions.ts";
import { CellCommand } from "../cell/command.ts";
import {
  decodeCreated2,
  encodeCreate2,
  encodeExtend2,
  type ExtendTarget,
  HandshakeType,
} from "../cell/create.ts";
import { createFastClientStart } from "../crypto/create_fast.ts";
import type { Ed25519Identity, RsaIdentity } from "../crypto/identity.ts";
import { ntorClientStart } from "../crypto/ntor.ts";
import { ntorV3ClientStart } from "../crypto/ntor_v3.ts";
import type { HopKeys } from "../crypto/relay_crypto.ts";
import type { Relay } from "../netdir/relay.ts";
import { randomBytes, type RandomSource } from "../runtime/random.ts";
import type { CongestionControlParameters } from "./congestion_control_parameters.ts";
import { CircuitError } from "./errors.ts";

/** The relay that a circuit starts at. */
export interface FirstHop {
  readonly rsaIdentity: RsaIdentity;
  /** The ntor onion key, 32 bytes; unknown before the first consensus. */
  readonly onionKey?: Uint8Array | undefined;
  /** Whether the relay speaks a version of a subprotocol; unknown before the first consensus. */
  supports?(protocol: string, version: number): boolean;
}

/** A relay that a circuit is to be extended to. */
export interface Hop extends ExtendTarget {
  /** The ntor onion key: 32 bytes. */
  readonly onionKey: Uint8Array;
}

/** How a relay with a known onion key is made a hop. */
export type HandshakeChoice =
  | { readonly type: "ntor" }
  | {
    readonly type: "ntor-v3";
    readonly ed25519Identity: Ed25519Identity;
    /** What holds if the relay agrees to congestion control; undefined when it is not asked to. */
    readonly congestionControl: CongestionControlParameters | undefined;
  };

/** The handshake that every relay understands. */
export const NTOR: HandshakeChoice = { type: "ntor" };

/** What of a relay decides about its handshake; of one that is in no consensus nothing is known. */
export type NegotiatingRelay = Partial<Pick<Relay, "ed25519Identity" | "supports">>;

/**
 * The handshake for a relay, chosen as C tor 0.4.9 does (circuit_pick_create_handshake): ntor-v3
 * where congestion control is asked for, and to all relays that have Counter Galois Onion encryption
 * although it is not asked for.
 *
 * @param exitUse the parameters of congestion control where it is wanted of this hop
 */
export function chooseHandshake(
  relay: NegotiatingRelay,
  exitUse?: CongestionControlParameters,
): HandshakeChoice {
  const { ed25519Identity } = relay;
  const supports = (protocol: string, version: number) =>
    relay.supports?.(protocol, version) ?? false;
  if (ed25519Identity === undefined || !supports("FlowCtrl", 2)) return NTOR;
  if (exitUse?.enabled && supports("Relay", 4)) {
    return { type: "ntor-v3", ed25519Identity, congestionControl: exitUse };
  }
  if (supports("Relay", 5) && supports("Relay", 6)) {
    return { type: "ntor-v3", ed25519Identity, congestionControl: undefined };
  }
  return NTOR;
}

/** What a relay has agreed to. */
export interface AgreedCongestionControl {
  readonly parameters: CongestionControlParameters;
  /** DATA messages for each SENDME, as the relay will have it. */
  readonly sendmeIncrement: number;
}

/** What a finished handshake has brought. */
export interface NewHop {
  readonly keys: HopKeys;
  /** Undefined for fixed windows. */
  readonly congestionControl?: AgreedCongestionControl;
}

/** A handshake that was begun. */
export interface HopHandshake {
  /** The body of what is to be sent. */
  readonly body: Uint8Array;
  /**
   * @param answer the body of what came back
   * @throws CryptoError, CellError or CircuitError `circuit-handshake-failed`
   */
  complete(answer: Uint8Array): NewHop;
}

/** A handshake with the first hop, by cells. */
export interface FirstHopHandshake extends HopHandshake {
  /** The command of the cell to send, and of that to wait for. */
  readonly command: number;
  readonly answerCommand: number;
}

/** Begins the handshake with the first hop: CREATE2, or CREATE_FAST without an onion key. */
export function beginFirstHop(
  { rsaIdentity, onionKey }: FirstHop,
  choice: HandshakeChoice,
  random: RandomSource,
): FirstHopHandshake {
  if (onionKey === undefined) {
    const { CREATE_FAST, CREATED_FAST } = CellCommand;
    const handshake = createFastClientStart(randomBytes(random, 20));
    return {
      command: CREATE_FAST,
      answerCommand: CREATED_FAST,
      body: handshake.onionSkin,
      complete: (answer) => ({ keys: handshake.complete(answer) }),
    };
  }
  const { CREATE2, CREATED2 } = CellCommand;
  const { type, onionSkin, complete } = begin({ rsaIdentity, onionKey }, choice, random);
  return {
    command: CREATE2,
    answerCommand: CREATED2,
    body: encodeCreate2(type, onionSkin),
    complete,
  };
}

/** Begins the handshake with a further hop, by EXTEND2. */
export function beginHop(relay: Hop, choice: HandshakeChoice, random: RandomSource): HopHandshake {
  const { type, onionSkin, complete } = begin(relay, choice, random);
  return { body: encodeExtend2(relay, type, onionSkin), complete };
}

interface BegunHandshake {
  /** One of HandshakeType. */
  readonly type: number;
  readonly onionSkin: Uint8Array;
  /** Takes the body of a CREATED2 or EXTENDED2. */
  complete(answer: Uint8Array): NewHop;
}

function begin(
  relay: { readonly rsaIdentity: RsaIdentity; readonly onionKey: Uint8Array },
  choice: HandshakeChoice,
  random: RandomSource,
): BegunHandshake {
  const secret = randomBytes(random, 32);
  if (choice.type === "ntor") {
    const handshake = ntorClientStart(relay, secret);
    return {
      type: HandshakeType.NTOR,
      onionSkin: handshake.onionSkin,
      complete: (answer) => ({ keys: handshake.complete(decodeCreated2(answer)) }),
    };
  }
  const { ed25519Identity, congestionControl } = choice;
  const request = encodeCircuitExtensions(congestionControl === undefined ? [] : [CC_REQUEST]);
  const { onionKey } = relay;
  const handshake = ntorV3ClientStart({ ed25519Identity, onionKey }, secret, request);
  return {
    type: HandshakeType.NTOR_V3,
    onionSkin: handshake.onionSkin,
    complete: (answer) => {
      const { keys, message } = handshake.complete(decodeCreated2(answer));
      const sendmeIncrement = decodeCcResponse(decodeCircuitExtensions(message));
      if (sendmeIncrement === undefined) return { keys };
      return { keys, congestionControl: agree(sendmeIncrement, congestionControl) };
    },
  };
}

/**
 * What follows from a relay's answer. Its consensus may be an older or newer one than ours: an
 * increment that differs by one is accepted, as C tor does.
 */
function agree(
  sendmeIncrement: number,
  parameters: CongestionControlParameters | undefined,
): AgreedCongestionControl {
  if (parameters === undefined) throw refused("congestion control that was not asked for");
  const difference = Math.abs(sendmeIncrement - parameters.sendmeIncrement);
  if (sendmeIncrement === 0 || difference > 1) {
    throw refused(`a SENDME increment of ${sendmeIncrement}`);
  }
  return { parameters, sendmeIncrement };
}

function refused(what: string): CircuitError {
  return new CircuitError("circuit-handshake-failed", `the relay answers with ${what}`);
}

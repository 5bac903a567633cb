/**
 * Relays that misbehave in the ntor-v3 handshake, or in what they agree to there.
 *
 * @module
 */
import { ccResponse, encodeCircuitExtensions } from "../../src/cell/circuit_extensions.ts";
import { CellCommand } from "../../src/cell/command.ts";
import { NTOR_V3 } from "../../src/crypto/ntor_v3.ts";
import type { Misbehaviour } from "../behaviour.ts";
import { FIXED_WINDOWS } from "../relay_protocols.ts";

/** Where the relay's message begins in CREATED2: after the length (2 bytes), Y and AUTH. */
const MESSAGE_OFFSET = 2 + NTOR_V3.replyOverhead;
/** A SENDME increment that is always too far from the consensus's. */
const FAR_INCREMENT = 254;

/** The relay's encrypted message with one bit wrong; without ntor-v3 there is none. */
export const CHANGED_MESSAGE: Misbehaviour = {
  name: "a changed message in CREATED2",
  answerCreate: (_create, next) => {
    const answer = next();
    if (answer.kind !== "created" || answer.command !== CellCommand.CREATED2) return answer;
    if (answer.body.length <= MESSAGE_OFFSET) return answer;
    const body = new Uint8Array(answer.body);
    body[MESSAGE_OFFSET] ^= 1;
    return { ...answer, body };
  },
};

/** No message at all, where even an empty list takes a byte. */
export const NO_EXTENSION_LIST = answers("no list of extensions", new Uint8Array(0));

/** A list that counts more extensions than there are. */
export const CUT_OFF_EXTENSIONS = answers(
  "a list of extensions that is cut off",
  encodeCircuitExtensions([ccResponse(31)]).with(0, 2),
);

/** A CC_RESPONSE without a SENDME increment. */
export const EMPTY_CC_RESPONSE = answers(
  "an empty CC_RESPONSE",
  encodeCircuitExtensions([{ ...ccResponse(0), body: new Uint8Array(0) }]),
);

/** Bytes that are no list of anything. */
export const GARBAGE_EXTENSIONS = answers(
  "garbage for extensions",
  new Uint8Array(200).fill(0xff),
);

/** Agrees to what the client has not asked for, and has fixed windows all the same. */
export const UNASKED_CC_RESPONSE: Misbehaviour = {
  name: "CC_RESPONSE without a request",
  answerExtensions: (asked, honest) =>
    asked.length > 0 ? honest : { ...honest, message: encodeCircuitExtensions([ccResponse(31)]) },
};

/** Agrees with an increment that it keeps to itself, but that may be none to agree with. */
export function sendmeIncrement(increment: number): Misbehaviour {
  return {
    name: `a SENDME increment of ${increment}`,
    answerExtensions: (_asked, honest) =>
      !honest.flow.congestionControl ? honest : {
        // Nobody can keep to zero, and no client goes on after it.
        flow: { congestionControl: true, sendmeIncrement: Math.max(1, increment) },
        message: encodeCircuitExtensions([ccResponse(increment)]),
      },
  };
}

/** Two CC_RESPONSEs, of which the first is what an honest relay says, or the second. */
export function twoCcResponses(honestOne: "first" | "second"): Misbehaviour {
  return {
    name: `two CC_RESPONSEs, the ${honestOne} an honest one`,
    answerExtensions: (_asked, { flow }) => {
      if (!flow.congestionControl) return { flow, message: encodeCircuitExtensions([]) };
      const responses = [ccResponse(flow.sendmeIncrement), ccResponse(FAR_INCREMENT)];
      if (honestOne === "second") responses.reverse();
      return { flow, message: encodeCircuitExtensions(responses) };
    },
  };
}

/** Extensions of kinds that nobody knows, before and after the others, and bytes after the list. */
export const UNKNOWN_EXTENSIONS: Misbehaviour = {
  name: "extensions that nobody knows",
  answerExtensions: (_asked, { flow }) => {
    const known = flow.congestionControl ? [ccResponse(flow.sendmeIncrement)] : [];
    const list = encodeCircuitExtensions([
      { type: 0, body: new Uint8Array(40) },
      ...known,
      { type: 77, body: new Uint8Array(0) },
    ]);
    return { flow, message: Uint8Array.from([...list, 1, 2, 3]) };
  },
};

/** Never agrees to congestion control, though its subprotocols offer it. */
export const REFUSES_CONGESTION_CONTROL: Misbehaviour = {
  name: "no CC_RESPONSE to a CC_REQUEST",
  answerExtensions: () => ({ flow: FIXED_WINDOWS, message: encodeCircuitExtensions([]) }),
};

/** Answers these bytes, and controls the flow as an honest relay would. */
function answers(name: string, message: Uint8Array): Misbehaviour {
  return { name, answerExtensions: (_asked, { flow }) => ({ flow, message }) };
}

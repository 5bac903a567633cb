/**
 * Exits that break the rules of XON and XOFF, on circuits with congestion control.
 *
 * @module
 */
import { RelayCommand } from "../../src/cell/command.ts";
import { encodeXoff, encodeXon } from "../../src/cell/flow_control_messages.ts";
import { RELAY_DATA_LENGTH } from "../../src/cell/layout.ts";
import type { CircuitActions, Misbehaviour } from "../behaviour.ts";

const { CONNECTED, DATA, SENDME, XOFF, XON } = RelayCommand;

/** A relay message without its stream. */
type FlowMessage = readonly [command: number, body: Uint8Array];

const EMPTY = new Uint8Array(0);
const FULL_BODY = new Uint8Array(RELAY_DATA_LENGTH).fill(0x41);
/** DATA messages after which one XOFF and one XON are due, but no second one. */
const ONE_IS_DUE = 700;

/** Sends these messages behind each CONNECTED, when nothing was sent to the exit. */
function tooEarly(name: string, messages: readonly FlowMessage[], flip = 0): Misbehaviour {
  return {
    name,
    sendMessage(message, circuit, next) {
      next(message);
      if (message.command !== CONNECTED) return;
      for (const [command, body] of messages) {
        circuit.send({ command, streamId: message.streamId ^ flip, body });
      }
    },
  };
}

/** Sends these messages when 700 DATA messages have come, in one go. */
function onceDue(name: string, messages: readonly FlowMessage[]): Misbehaviour {
  return {
    name,
    onMessage({ command, streamId }, circuit, next) {
      next();
      if (command !== DATA || circuit.dataReceived !== ONE_IS_DUE) return;
      for (const [each, body] of messages) circuit.send({ command: each, streamId, body });
    },
  };
}

/** Sends XOFF, though nothing was sent to it. */
export const xoffTooEarly = tooEarly("XOFF for no data", [[XOFF, encodeXoff()]]);

/** Sends XON, though nothing was sent to it. */
export const xonTooEarly = tooEarly("XON for no data", [[XON, encodeXon(100)]]);

/** Sends a stream SENDME, of which there are none with congestion control. */
export const sendmeForStream = tooEarly("a stream SENDME with congestion control", [
  [SENDME, EMPTY],
]);

/** Sends an XOFF of a version to come. */
export const xoffOfOtherVersion = tooEarly("XOFF of version 1", [[XOFF, Uint8Array.of(1)]]);

/** Sends an XON without a rate. */
export const xonWithoutRate = tooEarly("XON without a rate", [[XON, Uint8Array.of(0)]]);

/** Sends XOFF for a stream id that the client has never used. */
export const xoffForStranger = tooEarly(
  "XOFF for a stream that never was",
  [[XOFF, encodeXoff()]],
  0x8000,
);

/** Sends XON for a stream id that the client has never used. */
export const xonForStranger = tooEarly(
  "XON for a stream that never was",
  [[XON, encodeXon(0)]],
  0x8000,
);

/** Sends XOFF twice where one is due. */
export const xoffTwice = onceDue("XOFF twice", [[XOFF, encodeXoff()], [XOFF, encodeXoff()]]);

/** Sends XOFF and XON over and over where one of each is due. */
export const xonFlood = onceDue(
  "a flood of XON",
  Array.from({ length: 50 }, (_, index) => [XON, encodeXon(index)] as const),
);

/** Sends XOFF and then XON where one of each is due, as an honest exit may. */
export const xoffAndXon = onceDue("XOFF and XON that are due", [
  [XOFF, encodeXoff()],
  [XON, encodeXon(100_000)],
]);

/**
 * Sends DATA on the first stream for as long as the client acknowledges it, and so many messages
 * more when it gets XOFF.
 */
export function dataInSpiteOfXoff(count: number): Misbehaviour {
  let victim: number | undefined;
  let isStopped = false;
  const send = (circuit: CircuitActions, streamId: number, messages: number) => {
    for (let left = messages; left > 0; left--) {
      circuit.send({ command: DATA, streamId, body: FULL_BODY });
    }
  };
  return {
    name: `${count} DATA messages after XOFF`,
    sendMessage(message, circuit, next) {
      next(message);
      if (message.command !== CONNECTED || victim !== undefined) return;
      victim = message.streamId;
      send(circuit, victim, 100);
    },
    onMessage({ command, streamId }, circuit, next) {
      next();
      if (victim === undefined || isStopped) return;
      if (command === SENDME && streamId === 0) send(circuit, victim, 31);
      if (command !== XOFF) return;
      isStopped = true;
      send(circuit, victim, count);
    },
  };
}

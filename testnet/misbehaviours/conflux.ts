/**
 * Exits, and others, that break the rules of Conflux.
 *
 * @module
 */
import { RelayCommand } from "../../src/cell/command.ts";
import { encodeConfluxSwitch } from "../../src/cell/conflux.ts";
import type { Misbehaviour, OutgoingMessage } from "../behaviour.ts";

const { CONFLUX_LINK, CONFLUX_LINKED, CONFLUX_LINKED_ACK, CONFLUX_SWITCH, CONNECTED, DATA } =
  RelayCommand;

/** Says something else in place of each LINKED. */
function linkedAs(name: string, change: (body: Uint8Array) => Uint8Array): Misbehaviour {
  return {
    name,
    sendMessage: (message, _circuit, next) =>
      next(message.command === CONFLUX_LINKED ? withBody(message, change(message.body)) : message),
  };
}

/** Offsets in LINKED: after the version, and after the nonce. */
const NONCE_OFFSET = 1;
const LAST_SENT_OFFSET = 33;
const DESIRED_UX_OFFSET = 49;

export const LINKED_WITH_WRONG_NONCE = linkedAs(
  "LINKED with another nonce",
  (body) => body.with(NONCE_OFFSET, body[NONCE_OFFSET] ^ 1),
);

export const LINKED_WITH_SEQUENCE = linkedAs(
  "LINKED that claims to have sent something",
  (body) => body.with(LAST_SENT_OFFSET + 7, 1),
);

export const LINKED_WITH_UNKNOWN_UX = linkedAs(
  "LINKED with an unknown wish",
  (body) => body.with(DESIRED_UX_OFFSET, 9),
);

export const LINKED_OF_OTHER_VERSION = linkedAs("LINKED of version 2", (body) => body.with(0, 2));

export const LINKED_CUT_OFF = linkedAs("LINKED that is cut off", (body) => body.slice(0, 40));

export const LINKED_TWICE: Misbehaviour = {
  name: "LINKED twice",
  sendMessage: (message, _circuit, next) => {
    next(message);
    if (message.command === CONFLUX_LINKED) next(message);
  },
};

/** The message comes right after LINKED, before the client has answered it. */
function afterLinked(name: string, message: OutgoingMessage): Misbehaviour {
  return {
    name,
    sendMessage: (said, _circuit, next) => {
      next(said);
      if (said.command === CONFLUX_LINKED) next(message);
    },
  };
}

export const LINK_TO_CLIENT = afterLinked("LINK to a client", {
  command: CONFLUX_LINK,
  streamId: 0,
  body: new Uint8Array(50),
});

export const LINKED_ACK_TO_CLIENT = afterLinked("LINKED_ACK to a client", {
  command: CONFLUX_LINKED_ACK,
  streamId: 0,
  body: new Uint8Array(0),
});

/** A message comes before the first DATA message of each leg. */
function beforeData(name: string, messages: readonly OutgoingMessage[]): Misbehaviour {
  const seen = new Set<number>();
  return {
    name,
    sendMessage: (said, circuit, next) => {
      if (said.command === DATA && circuit.congestionControl && !seen.has(circuit.number)) {
        seen.add(circuit.number);
        for (const message of messages) next(message);
      }
      next(said);
    },
  };
}

function switchBy(relative: number): OutgoingMessage {
  return { command: CONFLUX_SWITCH, streamId: 0, body: encodeConfluxSwitch(relative) };
}

export const SWITCH_FAR = beforeData("a SWITCH by 2^32 - 1", [switchBy(2 ** 32 - 1)]);
export const SWITCH_TWICE = beforeData("SWITCH after SWITCH", [switchBy(0), switchBy(0)]);
export const SWITCH_CUT_OFF = beforeData("a SWITCH of three bytes", [
  { command: CONFLUX_SWITCH, streamId: 0, body: new Uint8Array(3) },
]);
export const SWITCH_FOR_STREAM = beforeData("a SWITCH with a stream id", [
  { command: CONFLUX_SWITCH, streamId: 1, body: encodeConfluxSwitch(0) },
]);

/** Leaves a gap in the sequence numbers, so that all that follows waits for what never comes. */
export function gap(): Misbehaviour {
  const legs = new Set<number>();
  return {
    name: "a gap in the sequence",
    sendMessage: (message, circuit, next) => {
      if (message.command === CONFLUX_LINKED) legs.add(circuit.number);
      if (message.command === CONNECTED && legs.has(circuit.number)) next(switchBy(1));
      next(message);
    },
  };
}

/** SWITCH does not say what went by other legs, so that sequence numbers come twice. */
export const SWITCH_BY_NOTHING: Misbehaviour = {
  name: "a SWITCH that hides messages of other legs",
  sendMessage: (message, _circuit, next) =>
    next(
      message.command === CONFLUX_SWITCH ? withBody(message, encodeConfluxSwitch(0)) : message,
    ),
};

/** A relay that is no exit says LINKED, or SWITCH, when it passes the first cell on. */
export function fromMiddle(command: number): Misbehaviour {
  const seen = new Set<number>();
  return {
    name: `a middle that sends relay command ${command}`,
    sendCell: (cell, circuit, next) => {
      next(cell);
      if (seen.has(circuit.number)) return;
      seen.add(circuit.number);
      circuit.send({ command, streamId: 0, body: new Uint8Array(50) });
    },
  };
}

function withBody({ command, streamId }: OutgoingMessage, body: Uint8Array): OutgoingMessage {
  return { command, streamId, body };
}

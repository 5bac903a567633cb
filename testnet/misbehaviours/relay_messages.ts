/**
 * Relays that break the rules of relay messages: of their crypto, of streams and of flow control.
 *
 * @module
 */
import { CellCommand, RelayCommand } from "../../src/cell/command.ts";
import { RELAY_DATA_LENGTH } from "../../src/cell/layout.ts";
import { encodeSendme } from "../../src/cell/sendme.ts";
import type { CircuitActions, Misbehaviour, OutgoingMessage } from "../behaviour.ts";
import { encodeConnected, encodeEnd, encodeResolved, EndReason } from "../relay_messages.ts";

const EMPTY = new Uint8Array(0);
/** The DATA message at which cells are damaged, so that the stream is well under way. */
const DAMAGED_DATA = 3;
/** Where in the body of a relay cell the digest is. */
const DIGEST_AT = 5;
/** Bytes that make up the whole of a DATA message. */
const FULL_BODY = new Uint8Array(RELAY_DATA_LENGTH).fill(0x41);

/** Cells of circuits. */
const STRANGERS_COMMANDS = [
  CellCommand.RELAY,
  CellCommand.RELAY_EARLY,
  CellCommand.CREATED_FAST,
  CellCommand.CREATED2,
  CellCommand.DESTROY,
];
/** A fixed-length cell of a protocol to come. */
const UNKNOWN_COMMAND = 99;

/** Sends the third DATA cell with a digest that is wrong in one bit. */
export const badDigest: Misbehaviour = {
  name: "a cell with a wrong digest",
  sendCell(cell, circuit, next) {
    if (circuit.dataSent === DAMAGED_DATA) cell.body[DIGEST_AT] ^= 1;
    next(cell);
  },
};

/** Changes one bit in each cell, also in those that it only passes on. */
export const tamperedCells: Misbehaviour = {
  name: "cells that were tampered with",
  sendCell(cell, _circuit, next) {
    cell.body[100] ^= 1;
    next(cell);
  },
};

/** Drops the third DATA cell, and whatever comes before the fourth. */
export const droppedCell: Misbehaviour = {
  name: "a cell dropped",
  sendCell(cell, circuit, next) {
    if (circuit.dataSent !== DAMAGED_DATA) next(cell);
  },
};

/** Sends the third DATA cell twice. */
export const duplicatedCell: Misbehaviour = {
  name: "a cell sent twice",
  sendCell(cell, circuit, next) {
    next(cell);
    if (circuit.dataSent === DAMAGED_DATA) next(cell);
  },
};

/** Sends everything in RELAY_EARLY cells, by which relays once marked circuits. */
export const relayEarlyBackwards: Misbehaviour = {
  name: "RELAY_EARLY towards the client",
  sendCell: (cell, _circuit, next) => next({ command: CellCommand.RELAY_EARLY, body: cell.body }),
};

/** Says of DATA messages that they are one byte longer than a cell can hold. */
export const overlongLength: Misbehaviour = {
  name: "a length field of 499",
  sendMessage(message, _circuit, next) {
    const isData = message.command === RelayCommand.DATA;
    next(isData ? { ...message, length: RELAY_DATA_LENGTH + 1 } : message);
  },
};

/** Sends more messages of its own right behind each CONNECTED. */
function behindConnected(
  name: string,
  messages: (connected: OutgoingMessage) => Iterable<OutgoingMessage>,
): Misbehaviour {
  return {
    name,
    sendMessage(message, circuit, next) {
      next(message);
      if (message.command !== RelayCommand.CONNECTED) return;
      for (const more of messages(message)) circuit.send(more);
    },
  };
}

/** Sends DATA for a stream id that the client has never used. */
export const dataForStranger = behindConnected(
  "DATA for a stream that never was",
  ({ streamId }) => [{ command: RelayCommand.DATA, streamId: streamId ^ 0x8000, body: FULL_BODY }],
);

/** Sends END for a stream id that the client has never used. */
export const endForStranger = behindConnected(
  "END for a stream that never was",
  ({ streamId }) => [{
    command: RelayCommand.END,
    streamId: streamId ^ 0x8000,
    body: encodeEnd(EndReason.DONE),
  }],
);

/** Sends DATA with stream id 0, which belongs to no stream. */
export const dataForCircuit = behindConnected(
  "DATA for the circuit itself",
  () => [{ command: RelayCommand.DATA, streamId: 0, body: FULL_BODY }],
);

/** Sends CONNECTED twice. */
export const connectedTwice = behindConnected("CONNECTED twice", (connected) => [connected]);

/** Asks the client to open a stream, which only relays do. */
export const beginToClient = behindConnected("BEGIN sent to the client", ({ streamId }) => [{
  command: RelayCommand.BEGIN,
  streamId,
  body: new TextEncoder().encode("127.0.0.1:22\0"),
}]);

/** Acknowledges data on the circuit that the client has not sent. */
export const circuitSendmeNotDue = behindConnected("a circuit SENDME that was not due", () => [{
  command: RelayCommand.SENDME,
  streamId: 0,
  body: encodeSendme(new Uint8Array(20).fill(7)),
}]);

/** Acknowledges data on the stream that the client has not sent. */
export const streamSendmeNotDue = behindConnected(
  "a stream SENDME that was not due",
  ({ streamId }) => [{ command: RelayCommand.SENDME, streamId, body: EMPTY }],
);

/** Sends twice as much DATA as a stream's window, whatever the client acknowledges. */
export const streamWindowOverrun: Misbehaviour = {
  ...behindConnected(
    "1,000 DATA messages in a stream window of 500",
    ({ streamId }) => dataMessages(streamId, 1000),
  ),
  onMessage({ command, streamId }, _circuit, next) {
    if (command !== RelayCommand.SENDME || streamId === 0) next();
  },
};

/** Sends XOFF, though nobody has negotiated congestion control. */
export const xoffWithoutNegotiation = behindConnected(
  "XOFF without congestion control",
  ({ streamId }) => [{ command: RelayCommand.XOFF, streamId, body: Uint8Array.of(0) }],
);

/** Sends what clients must ignore: DROP, and a command of a protocol to come. */
export const ignoredMessages = behindConnected("DROP and an unknown command", ({ streamId }) => [
  { command: RelayCommand.DROP, streamId: 0, body: FULL_BODY },
  { command: 99, streamId, body: FULL_BODY },
]);

/** Sends DATA before CONNECTED. */
export const dataBeforeConnected: Misbehaviour = {
  name: "DATA before CONNECTED",
  sendMessage(message, circuit, next) {
    if (message.command === RelayCommand.CONNECTED) {
      circuit.send({ ...message, command: RelayCommand.DATA, body: FULL_BODY });
    }
    next(message);
  },
};

/** Sends CONNECTED with a body that is no address. */
export const malformedConnected: Misbehaviour = {
  name: "a CONNECTED of three bytes",
  sendMessage(message, _circuit, next) {
    const isConnected = message.command === RelayCommand.CONNECTED;
    next(isConnected ? { ...message, body: Uint8Array.of(1, 2, 3) } : message);
  },
};

/** Sends cells of all kinds for circuits that the client never made, and cells of no known kind. */
export const cellsForStrangers: Misbehaviour = {
  name: "cells for unknown circuits",
  onChannelOpen(link) {
    const commands = [...STRANGERS_COMMANDS, UNKNOWN_COMMAND];
    for (const command of commands) link.sendCell(0x8000_0001, command, FULL_BODY);
  },
};

/** Goes on with DATA when it has ended the stream. */
export const dataAfterTheirEnd: Misbehaviour = {
  name: "DATA after the relay's own END",
  sendMessage(message, circuit, next) {
    next(message);
    if (message.command !== RelayCommand.END) return;
    circuit.send({ command: RelayCommand.DATA, streamId: message.streamId, body: FULL_BODY });
  },
};

/** Ends a stream twice. */
export const endTwice: Misbehaviour = {
  name: "END twice",
  sendMessage(message, _circuit, next) {
    next(message);
    if (message.command === RelayCommand.END) next(message);
  },
};

/** Answers a lookup twice. */
export const resolvedTwice: Misbehaviour = {
  name: "RESOLVED twice",
  sendMessage(message, _circuit, next) {
    next(message);
    if (message.command === RelayCommand.RESOLVED) next(message);
  },
};

/** What follows the client's END in {@link dataAfterOurEnd}. */
interface DataAfterEnd {
  /** DATA messages. */
  readonly count: number;
  /** Whether an END follows them. */
  readonly end: boolean;
}

/**
 * Goes on with DATA when the client has ended the stream: up to 500 messages, less those that it
 * has not acknowledged, may have been on their way and are legal.
 */
export function dataAfterOurEnd({ count, end }: DataAfterEnd): Misbehaviour {
  return {
    name: `${count} DATA messages after the client's END`,
    onMessage({ command, streamId }, circuit, next) {
      next();
      if (command !== RelayCommand.END) return;
      for (const message of dataMessages(streamId, count)) circuit.send(message);
      if (!end) return;
      circuit.send({ command: RelayCommand.END, streamId, body: encodeEnd(EndReason.DONE) });
    },
  };
}

/** Acknowledges with a digest that is wrong in one bit. */
export const sendmeWithWrongDigest: Misbehaviour = {
  name: "a circuit SENDME with a wrong digest",
  sendMessage(message, _circuit, next) {
    if (message.command !== RelayCommand.SENDME || message.streamId !== 0) return next(message);
    const body = message.body.slice();
    body[body.length - 1] ^= 1;
    next({ ...message, body });
  },
};

/** Acknowledges without a digest, as relays of old did. */
export const sendmeWithoutDigest: Misbehaviour = {
  name: "a circuit SENDME of version 0",
  sendMessage(message, _circuit, next) {
    const isCircuitSendme = message.command === RelayCommand.SENDME && message.streamId === 0;
    next(isCircuitSendme ? { ...message, body: EMPTY } : message);
  },
};

/** Says in CONNECTED that it went to this address; "" says nothing of where it went. */
export function connectedSays(address: string): Misbehaviour {
  const body = address === "" ? EMPTY : encodeConnected(address);
  return {
    name: `CONNECTED to ${address === "" ? "no address" : address}`,
    sendMessage(message, _circuit, next) {
      next(message.command === RelayCommand.CONNECTED ? { ...message, body } : message);
    },
  };
}

/** Says in RESOLVED that every name stands for this IPv4 address. */
export function resolvedSays(address: string): Misbehaviour {
  const body = encodeResolved({ kind: "ip4", value: address });
  return {
    name: `RESOLVED to ${address}`,
    sendMessage(message, _circuit, next) {
      next(message.command === RelayCommand.RESOLVED ? { ...message, body } : message);
    },
  };
}

/** A middle or guard that sends a message of its own behind each cell that it passes on. */
function ownMessage(name: string, message: OutgoingMessage): Misbehaviour {
  let sending = false;
  return {
    name,
    sendCell(cell, circuit, next) {
      next(cell);
      if (sending) return;
      sending = true;
      circuit.send(message);
      sending = false;
    },
  };
}

/** DATA from a relay that is not the circuit's last. */
export const dataFromMiddle = ownMessage("DATA from a relay on the way", {
  command: RelayCommand.DATA,
  streamId: 1,
  body: FULL_BODY,
});

/** A circuit SENDME from a relay that is not the circuit's last. */
export const sendmeFromMiddle = ownMessage("SENDME from a relay on the way", {
  command: RelayCommand.SENDME,
  streamId: 0,
  body: encodeSendme(new Uint8Array(20)),
});

/** EXTENDED2 though nobody has asked for it. */
export const extendedUnasked = ownMessage("EXTENDED2 that nobody asked for", {
  command: RelayCommand.EXTENDED2,
  streamId: 0,
  body: new Uint8Array(66),
});

/**
 * Ignores the circuit's window of 1,000: opens streams to nowhere until there are three on the
 * circuit, then sends 499 DATA messages on each at once, which no stream's own window forbids.
 */
export function circuitWindowOverrun(): Misbehaviour {
  const streams: number[] = [];
  return {
    name: "1,497 DATA messages in a circuit window of 1,000",
    onMessage({ command, streamId }, circuit, next) {
      if (command !== RelayCommand.BEGIN) return next();
      circuit.send({ command: RelayCommand.CONNECTED, streamId, body: EMPTY });
      if (streams.push(streamId) === 3) sendBodies(circuit, streams, 499);
    },
  };
}

function sendBodies(circuit: CircuitActions, streams: readonly number[], count: number): void {
  for (const streamId of streams) {
    for (const message of dataMessages(streamId, count)) circuit.send(message);
    circuit.send({ command: RelayCommand.END, streamId, body: encodeEnd(EndReason.DONE) });
  }
}

function* dataMessages(streamId: number, count: number): Generator<OutgoingMessage> {
  for (let sent = 0; sent < count; sent++) {
    yield { command: RelayCommand.DATA, streamId, body: FULL_BODY };
  }
}

/**
 * Relays that misbehave in the making of circuits, or end them.
 *
 * @module
 */
import { CellCommand, RelayCommand } from "../../src/cell/command.ts";
import type { ExtendTarget } from "../../src/cell/create.ts";
import type { CircuitActions, CreateAnswer, Misbehaviour } from "../behaviour.ts";
import { DestroyReason } from "../relay_messages.ts";

/** Where AUTH begins in the body of CREATED2: after its length (2 bytes) and Y (32). */
const AUTH_OFFSET = 34;
/** Where the hash of the keys begins in the body of CREATED_FAST. */
const KEY_HASH_OFFSET = 20;
/** DATA messages, or cells, after which a circuit that carries a download is ended. */
const ENOUGH = 60;

/** The relay's half of ntor with one bit of AUTH wrong. */
export const WRONG_AUTH: Misbehaviour = {
  name: "a wrong AUTH in CREATED2",
  answerCreate: (_create, next) => withFlippedBit(next(), CellCommand.CREATED2, AUTH_OFFSET),
};

/** An answer to CREATE_FAST with one bit of the hash of the keys wrong, but only the first time. */
export function wrongKeyHashOnce(): Misbehaviour {
  let isDone = false;
  return {
    name: "a wrong hash of the keys in CREATED_FAST",
    answerCreate: ({ command }, next) => {
      if (isDone || command !== CellCommand.CREATE_FAST) return next();
      isDone = true;
      return withFlippedBit(next(), CellCommand.CREATED_FAST, KEY_HASH_OFFSET);
    },
  };
}

/** A CREATED2 cell whose length field says something else than 64 bytes. */
export function wrongCreatedLength(length: number): Misbehaviour {
  return {
    name: `CREATED2 with a length of ${length}`,
    answerCreate: (_create, next) =>
      changed(
        next(),
        CellCommand.CREATED2,
        (body) => new DataView(body.buffer).setUint16(0, length),
      ),
  };
}

/** Will have no circuits. */
export const DESTROYS_AT_ONCE: Misbehaviour = {
  name: "DESTROY in answer to CREATE2",
  answerCreate: () => ({ kind: "destroy", reason: DestroyReason.RESOURCE_LIMIT }),
};

/** Never says whether there is a circuit. */
export const SILENT: Misbehaviour = {
  name: "silence in answer to CREATE2",
  answerCreate: () => ({ kind: "silence" }),
};

/** Pretends that there is nothing behind it. */
export const TRUNCATES_AT_ONCE: Misbehaviour = {
  name: "TRUNCATED in answer to EXTEND2",
  onMessage: ({ command }, circuit, next) => {
    if (command === RelayCommand.EXTEND2) truncate(circuit);
    else next();
  },
};

/** Takes an EXTEND2 and does nothing. */
export const SILENT_ABOUT_EXTEND: Misbehaviour = {
  name: "silence in answer to EXTEND2",
  onMessage: ({ command }, _circuit, next) => {
    if (command !== RelayCommand.EXTEND2) next();
  },
};

/** Extends all circuits to the relay that the first was to go to. */
export function extendsElsewhere(): Misbehaviour {
  let favourite: ExtendTarget | undefined;
  return {
    name: "an extension to another relay than was asked for",
    extendTarget: (target) => favourite ??= target,
  };
}

/** Ends the first circuit that carries much, in the middle of it. */
export function endsAfterData(how: "DESTROY" | "TRUNCATED"): Misbehaviour {
  const cells = new Map<CircuitActions, number>();
  let victim: CircuitActions | undefined;
  return {
    name: `${how} after data`,
    sendCell: (cell, circuit, next) => {
      const count = (cells.get(circuit) ?? 0) + 1;
      cells.set(circuit, count);
      // Without it the key streams of both ends would not fit any more.
      next(cell);
      if (victim !== undefined || count < ENOUGH) return;
      victim = circuit;
      if (how === "DESTROY") circuit.destroy(DestroyReason.RESOURCE_LIMIT);
      else truncate(circuit);
    },
  };
}

function truncate(circuit: CircuitActions): void {
  const body = Uint8Array.of(DestroyReason.CONNECT_FAILED);
  circuit.send({ command: RelayCommand.TRUNCATED, streamId: 0, body });
}

function withFlippedBit(answer: CreateAnswer, command: number, offset: number): CreateAnswer {
  return changed(answer, command, (body) => body[offset] ^= 1);
}

/** An answer of this command with something changed in a copy of its body. */
function changed(
  answer: CreateAnswer,
  command: number,
  change: (body: Uint8Array<ArrayBuffer>) => void,
): CreateAnswer {
  if (answer.kind !== "created" || answer.command !== command) return answer;
  const body = new Uint8Array(answer.body);
  change(body);
  return { ...answer, body };
}

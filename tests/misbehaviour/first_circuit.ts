/**
 * Keeps a misbehaviour to one circuit, so that whatever the client tries next is honest.
 *
 * @module
 */
import { RelayCommand } from "../../src/cell/command.ts";
import {
  behaviourOf,
  type CircuitActions,
  HONEST,
  type Misbehaviour,
} from "../../testnet/behaviour.ts";

/** Where on the circuit the relays are that misbehave. */
export type Position = "guard" | "middle" | "exit";

/** EXTENDED2 messages that pass a relay on the way before anything that streams bring about. */
const CELLS_BEFORE_STREAMS = { guard: 2, middle: 1 } as const;

/**
 * A misbehaviour to be given to all relays of one position: they misbehave from the first stream of
 * a user on, on the circuit of that stream alone.
 *
 * @param otherwise what they do on all other circuits
 */
export function onFirstCircuit(
  misbehaviour: Misbehaviour,
  position: Position,
  otherwise: Misbehaviour = HONEST,
): Misbehaviour {
  const bad = behaviourOf(misbehaviour);
  const good = behaviourOf(otherwise);
  const cells = new Map<CircuitActions, number>();
  let victim: CircuitActions | undefined;
  return {
    name: misbehaviour.name,
    onMessage(message, circuit, next) {
      const { command } = message;
      if (position === "exit") {
        const isStream = command === RelayCommand.BEGIN || command === RelayCommand.RESOLVE;
        if (isStream) victim ??= circuit;
      } else if (command === RelayCommand.EXTEND2 && !cells.has(circuit)) cells.set(circuit, 0);
      (circuit === victim ? bad : good).onMessage(message, circuit, next);
    },
    sendMessage(message, circuit, next) {
      (circuit === victim ? bad : good).sendMessage(message, circuit, next);
    },
    sendCell(cell, circuit, next) {
      if (position !== "exit") {
        const count = cells.get(circuit);
        if (count !== undefined) cells.set(circuit, count + 1);
        if (count === CELLS_BEFORE_STREAMS[position]) victim ??= circuit;
      }
      (circuit === victim ? bad : good).sendCell(cell, circuit, next);
    },
  };
}

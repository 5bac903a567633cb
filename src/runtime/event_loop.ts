/**
 * Long work is done in pieces, between which everything else gets its turn.
 *
 * @module
 */
import { setImmediate } from "node:timers";

/** Resolves when what waits for the event loop (reads, timers) has had its turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/**
 * Does work that comes in steps, each in a turn of its own.
 *
 * @returns what the last step gives
 * @throws what a step throws
 */
export async function inTurns<Result>(steps: Iterator<void, Result>): Promise<Result> {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await nextTurn();
  }
}

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

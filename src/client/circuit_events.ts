/**
 * Tells when circuits for streams are built and closed.
 *
 * @module
 */
import type { StreamCircuit } from "../circuit/stream_circuit.ts";

/** Something that happened to a circuit. */
export type CircuitEvent =
  | { readonly kind: "built"; readonly number: number }
  /** `code` is that of the error that it was closed with. */
  | { readonly kind: "closed"; readonly number: number; readonly code: string };

/** A circuit as it is in the list of those that are open. */
interface Open {
  readonly circuit: Pick<StreamCircuit, "number" | "whenClosed">;
}

/** Compares the lists of open circuits, and passes on what changes. */
export class CircuitEvents {
  readonly #listeners = new Set<(event: CircuitEvent) => void>();
  readonly #known = new Set<number>();

  /** Calls `listener` with each event, until the function that is given back is called. */
  onEvent(listener: (event: CircuitEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** A circuit was built: it is in `open`, which are all. */
  noteBuilt(open: readonly Open[]): void {
    for (const { circuit: { number, whenClosed } } of open) {
      if (this.#known.has(number)) continue;
      this.#known.add(number);
      this.#emit({ kind: "built", number });
      whenClosed.then(({ code }) => {
        this.#known.delete(number);
        this.#emit({ kind: "closed", number, code });
      });
    }
  }

  #emit(event: CircuitEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}

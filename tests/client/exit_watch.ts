/**
 * Exits that are honest, but note what they are asked for.
 *
 * @module
 */
import { RelayCommand } from "../../src/cell/command.ts";
import type { Misbehaviour } from "../../testnet/behaviour.ts";
import type { EmbeddedNetworkOptions } from "../../testnet/network.ts";

/** Of all exits of a network. */
export class ExitWatch {
  /** What each stream was opened to, as the exit was told: `name:port`. */
  readonly targets: string[] = [];
  /** By what stands behind `id=` in a request: which circuits it came by. */
  readonly circuits = new Map<string, Set<string>>();

  /** What makes the exits of a network tell it. */
  get misbehaviours(): NonNullable<EmbeddedNetworkOptions["misbehaviours"]> {
    return Object.fromEntries(["exit0", "exit1"].map((exit) => [exit, this.#watching(exit)]));
  }

  #watching(exit: string): Misbehaviour {
    return {
      name: "watching",
      onMessage: ({ command, body }, circuit, next) => {
        const text = new TextDecoder("latin1").decode(body);
        if (command === RelayCommand.BEGIN) this.targets.push(text.split("\0")[0]);
        const id = command === RelayCommand.DATA ? /[?&]id=(\w+)/.exec(text)?.[1] : undefined;
        if (id !== undefined) {
          const seen = this.circuits.get(id) ?? new Set();
          this.circuits.set(id, seen.add(`${exit} ${circuit.number}`));
        }
        next();
      },
    };
  }
}

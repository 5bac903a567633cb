/**
 * Guards for tests, in place of a sample.
 *
 * @module
 */
import type { TrafficGuardChoice } from "../../src/guard/guard_choice.ts";
import type { NetDir } from "../../src/netdir/net_dir.ts";
import type { Relay } from "../../src/netdir/relay.ts";
import { guardChoiceOf } from "./test_circuits.ts";

/** Guards that are tried in a given order; those that are not primary come after all others. */
export class ListedGuards {
  readonly chosen: TrafficGuardChoice[] = [];
  readonly closed: TrafficGuardChoice[] = [];

  constructor(
    readonly netDir: NetDir,
    readonly primary: readonly number[],
    readonly others: readonly number[] = [],
  ) {}

  selectForTraffic(excluded: (relay: Relay) => boolean = () => false) {
    for (const number of [...this.primary, ...this.others]) {
      const choice: TrafficGuardChoice = {
        ...guardChoiceOf(this.netDir, number),
        usability: this.primary.includes(number)
          ? "usable-on-completion"
          : "usable-if-no-better-guard",
      };
      if (excluded(choice.relay)) continue;
      this.chosen.push(choice);
      return choice;
    }
    return undefined;
  }

  noteClosed(choice: TrafficGuardChoice): void {
    this.closed.push(choice);
  }
}

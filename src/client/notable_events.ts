/**
 * Writes to the log what happens to guards and channels that a person should know of, each kind of
 * thing once in a while.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import type { GuardChange } from "../guard/guard_events.ts";
import { Logger, scrub } from "../observe/log.ts";
import { RepeatedMessages } from "../observe/repeated_messages.ts";
import type { Clock } from "../runtime/clock.ts";

const guardLog = new Logger("guard");
const channelLog = new Logger("channel");

/** What {@link NotableEvents} needs to know of a guard. */
export type GuardName = (rsaIdentity: RsaIdentity) => string | undefined;

/** Tells of guards that stop to answer and come back, and of relays that break the protocol. */
export class NotableEvents {
  readonly #messages: RepeatedMessages;
  readonly #guardName: GuardName;
  readonly #silent = new Set<RsaIdentity>();

  /** @param guardName the nickname of a guard of the sample */
  constructor(clock: Pick<Clock, "monotonic">, guardName: GuardName) {
    this.#messages = new RepeatedMessages(() => clock.monotonic());
    this.#guardName = guardName;
  }

  /** Something about the guards has changed. */
  noteGuardChange(change: GuardChange): void {
    if (change.kind !== "reachability") return;
    const { rsaIdentity, reachability } = change;
    const name = scrub(`${this.#guardName(rsaIdentity) ?? "unknown"} ($${rsaIdentity})`);
    const facts = { guard: scrub(rsaIdentity), reachability };
    if (reachability === "no") {
      this.#silent.add(rsaIdentity);
      this.#messages.say(
        `no ${rsaIdentity}`,
        `Guard ${name} does not answer: others are used until it is tried again.`,
        (text) => guardLog.notice(text, facts),
      );
    } else if (reachability === "yes" && this.#silent.delete(rsaIdentity)) {
      this.#messages.say(
        `yes ${rsaIdentity}`,
        `Guard ${name} answers again.`,
        (text) => guardLog.notice(text, facts),
      );
    }
  }

  /**
   * A relay, or somebody in its place, broke the protocol and was refused.
   *
   * @param code of the error that it ended in
   */
  noteViolation(relay: RsaIdentity, code: string): void {
    this.#messages.say(
      `violation ${code}`,
      `Relay ${scrub(`$${relay}`)} was refused because it broke the protocol [${code}].`,
      (text) => channelLog.notice(text, { relay: scrub(relay), code }),
    );
  }
}

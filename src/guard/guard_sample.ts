/**
 * The guards of this client: which relay a circuit starts at, and what is learnt of it.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import type { NetDir } from "../netdir/net_dir.ts";
import type { Relay } from "../netdir/relay.ts";
import type { RouterStatus } from "../netdoc/consensus.ts";
import { Logger } from "../observe/log.ts";
import type { Clock, Timer } from "../runtime/clock.ts";
import type { RandomSource } from "../runtime/random.ts";
import type { DataDirectory } from "../state/data_directory.ts";
import { JsonDocument } from "../state/json_document.ts";
import {
  type GuardChoice,
  type OpenChoice,
  type TrafficGuardChoice,
  usableWaiting,
  type WaitingOutcome,
} from "./guard_choice.ts";
import {
  decodeGuards,
  encodeGuards,
  GUARD_DOCUMENT,
  type GuardDocument,
} from "./guard_document.ts";
import type { GuardOptions, GuardUsage } from "./guard_parameters.ts";
import { GuardSets } from "./guard_sets.ts";
import type { Reachability, SampledGuard } from "./sampled_guard.ts";
import { selectGuard } from "./select_guard.ts";
import { anyDirectory, anyEntry } from "./without_guards.ts";

/** What the guards are given from outside. */
export interface GuardRuntime {
  readonly clock: Clock;
  readonly random: RandomSource;
}

/** A primary guard, as it is shown. */
export interface PrimaryGuard {
  readonly rsaIdentity: RsaIdentity;
  readonly nickname: string;
  /** IP address and port. */
  readonly address: string;
  /** Whether a circuit through it was ever built. */
  readonly confirmed: boolean;
  readonly reachability: Reachability;
}

/** Milliseconds between two looks at the circuits that wait for better guards. */
const SETTLE_INTERVAL = 1000;

const logger = new Logger("guard");

/**
 * The guard specification's state machine, kept in `guard_state.json`. For each circuit, or each
 * directory request:
 *
 * 1. {@link selectForTraffic} or {@link selectForDirectory} gives a choice;
 * 2. when the circuit is built (or the request answered), {@link noteSuccess} says whether it may
 *    be used; one that is "waiting" must not carry streams before {@link whenSettled} says so;
 * 3. when the guard could not be reached or did not answer its first handshake,
 *    {@link noteFailure} blames it;
 * 4. {@link noteClosed}, without blame, must follow once for every choice when its circuit or
 *    request is over, for whatever reason, unless it ended with noteFailure.
 *
 * A failure that says nothing about the guard is not to be blamed on it: a hop behind it that
 * failed, a circuit that was not wanted any more, a machine that has no network at all.
 */
export class GuardSample {
  readonly #runtime: GuardRuntime;
  readonly #options: GuardOptions;
  readonly #document: JsonDocument<GuardDocument>;
  readonly #sets: GuardSets;
  readonly #open = new Map<GuardChoice, OpenChoice>();
  #lastTimeOnInternet = -Infinity;
  #settleTimer: Timer | undefined;

  private constructor(
    runtime: GuardRuntime,
    options: GuardOptions,
    document: JsonDocument<GuardDocument>,
  ) {
    this.#runtime = runtime;
    this.#options = options;
    this.#document = document;
    this.#sets = new GuardSets(runtime.random, options, decodeGuards(document.value));
  }

  /**
   * Reads the guards of earlier runs. A file that makes no sense is set aside with a warning.
   *
   * @throws StateError `state-file-newer`, or when files cannot be read or renamed
   */
  static async load(
    state: DataDirectory,
    runtime: GuardRuntime,
    options: GuardOptions,
  ): Promise<GuardSample> {
    const document = await JsonDocument.load(state, runtime.clock, GUARD_DOCUMENT);
    return new GuardSample(runtime, options, document);
  }

  /**
   * Takes a new consensus, or the same one with more microdescriptors. A consensus that is more
   * than a day out of date changes nothing about the sample.
   */
  update(netDir: NetDir): void {
    this.#sets.update(netDir, this.#runtime.clock.now());
    this.#changed();
    this.#settle();
  }

  /** The primary guards, the most preferred one first. */
  primaryGuards(): readonly PrimaryGuard[] {
    const now = this.#runtime.clock.now();
    return this.#sets.primary.map((guard) => ({
      rsaIdentity: guard.rsaIdentity,
      nickname: guard.facts.nickname,
      address: guard.facts.address,
      confirmed: guard.isConfirmed,
      reachability: guard.reachability(now),
    }));
  }

  /**
   * The guards whose microdescriptors must be there before circuits are built for users: those
   * that circuits start at now and one more, as far as they are primary guards that may be reached
   * and `netDir` lacks them.
   */
  missingPrimaryMicrodescriptors(netDir: NetDir): readonly RsaIdentity[] {
    const parameters = this.#sets.network?.parameters;
    if (!this.#options.useEntryGuards || parameters === undefined) return [];
    const now = this.#runtime.clock.now();
    return this.#sets.primary
      .filter((guard) => guard.reachability(now) !== "no")
      .slice(0, parameters.numUsablePrimaryGuards.traffic + 1)
      .map((guard) => guard.rsaIdentity)
      .filter((identity) => netDir.relay(identity) === undefined);
  }

  /**
   * A guard for a circuit that carries streams.
   *
   * @param excluded whether a guard must not stand in this circuit: the exit, its family and so on
   * @returns `undefined` when there is none now; all guards are then worth a try again
   */
  selectForTraffic(excluded?: (relay: Relay) => boolean): TrafficGuardChoice | undefined {
    const netDir = this.#sets.network?.netDir;
    if (netDir === undefined) return undefined;
    if (!this.#options.useEntryGuards) {
      return this.#openTraffic(netDir, anyEntry(netDir, this.#runtime.random, excluded));
    }
    const obeys = (guard: SampledGuard) => {
      // Looked up again each time, because a choice may outlive the consensus it was made from.
      const relay = this.#sets.network?.netDir.relay(guard.rsaIdentity);
      return relay === undefined || !excluded?.(relay);
    };
    const guard = this.#select("traffic", obeys);
    return this.#openTraffic(netDir, guard && netDir.relay(guard.rsaIdentity), {
      guard,
      obeys,
      isRestricted: excluded !== undefined,
    });
  }

  /**
   * A guard to ask for directory documents, over a circuit of one hop.
   *
   * @param excluded whether a guard cannot serve this request: it lacks a document, or just failed
   * @returns `undefined` when there is none now; all guards are then worth a try again
   */
  selectForDirectory(excluded?: (router: RouterStatus) => boolean): GuardChoice | undefined {
    const netDir = this.#sets.network?.netDir;
    if (netDir === undefined) return undefined;
    if (!this.#options.useEntryGuards) {
      return this.#openDirectory(netDir, anyDirectory(netDir, this.#runtime.random, excluded));
    }
    const obeys = (guard: SampledGuard) => {
      const router = this.#sets.network?.netDir.listed(guard.rsaIdentity);
      return router === undefined || !excluded?.(router);
    };
    const guard = this.#select("directory", obeys);
    return this.#openDirectory(netDir, guard && netDir.listed(guard.rsaIdentity), {
      guard,
      obeys,
      isRestricted: excluded !== undefined,
    });
  }

  /**
   * Notes that the guard works: the circuit was built, or the directory request answered.
   *
   * @returns "usable" when the circuit may be used; "waiting" when better guards must be given a
   * chance first; "never" when the choice is closed or its guard no longer a guard, and the circuit
   * must be closed
   */
  noteSuccess(choice: GuardChoice): "usable" | "waiting" | "never" {
    const open = this.#open.get(choice);
    if (open === undefined) return "never";
    const { guard } = open;
    if (guard === undefined) {
      open.state = { kind: "complete" };
      return "usable";
    }
    if (!this.#sets.has(guard)) return "never";
    const now = this.#runtime.clock.now();
    const wasOffline = this.#isInternetLikelyDown(now);
    this.#lastTimeOnInternet = now;
    guard.noteSuccess();
    this.#sets.noteUsed(guard, now);
    this.#changed();
    const isUsable = guard.isPrimary || open.state.kind === "usable-on-completion" ||
      open.state.kind === "complete";
    if (isUsable) {
      settle(open, "usable");
      open.state = { kind: "complete" };
    } else if (open.state.kind === "usable-if-no-better-guard") {
      open.state = {
        kind: "waiting-for-better-guard",
        since: now,
        settled: Promise.withResolvers(),
      };
    }
    if (wasOffline && !guard.isPrimary) {
      logger.info("The network is back after a while: the primary guards are tried again.");
      for (const primary of this.#sets.primary) primary.markMaybeReachable();
    }
    this.#settle();
    return open.state.kind === "complete" ? "usable" : "waiting";
  }

  /**
   * Resolves when a circuit that waits for better guards may be used ("usable"), or must be closed
   * ("expired"), which it is also when {@link noteClosed} was called. For one that does not wait,
   * this resolves at once.
   */
  whenSettled(choice: GuardChoice): Promise<WaitingOutcome> {
    const state = this.#open.get(choice)?.state;
    if (state?.kind === "waiting-for-better-guard") return state.settled.promise;
    return Promise.resolve(state?.kind === "complete" ? "usable" : "expired");
  }

  /**
   * Blames the guard: it could not be reached, or failed before the circuit was built or the
   * request answered. Closes the choice. After a success it only does that.
   */
  noteFailure(choice: GuardChoice): void {
    const open = this.#open.get(choice);
    if (open === undefined) return;
    const hasWorked = open.state.kind === "complete" ||
      open.state.kind === "waiting-for-better-guard";
    if (!hasWorked) open.guard?.noteFailure(this.#runtime.clock.now());
    this.#close(choice, open);
  }

  /** Notes, without blame, that the circuit or request of a choice is over. Twice does nothing. */
  noteClosed(choice: GuardChoice): void {
    const open = this.#open.get(choice);
    if (open === undefined) return;
    const isUnfinished = open.state.kind === "usable-if-no-better-guard";
    if (isUnfinished && open.guard !== undefined) open.guard.isPending = false;
    this.#close(choice, open);
  }

  /**
   * Saves what is not saved yet, gives up what waits, and stops the timers: to be called before
   * the end.
   *
   * @throws StateError `state-file-unwritable`
   */
  async close(): Promise<void> {
    for (const open of this.#open.values()) settle(open, "expired");
    this.#open.clear();
    this.#settleTimer?.cancel();
    this.#settleTimer = undefined;
    await this.flush();
  }

  /**
   * Saves at once what is not saved yet.
   *
   * @throws StateError `state-file-unwritable`
   */
  async flush(): Promise<void> {
    await this.#document.flush();
  }

  #select(
    usage: GuardUsage,
    obeys: (guard: SampledGuard) => boolean,
  ): SampledGuard | undefined {
    const { clock, random } = this.#runtime;
    const guard = selectGuard(this.#sets, random, usage, clock.now(), obeys);
    // The sample may have been extended.
    this.#changed();
    return guard;
  }

  #openTraffic(
    netDir: NetDir,
    relay: Relay | undefined,
    guarded?: Omit<OpenChoice, "state">,
  ): TrafficGuardChoice | undefined {
    const router = relay && netDir.listed(relay.rsaIdentity);
    if (relay === undefined || router === undefined) return undefined;
    const usability = usabilityOf(guarded?.guard);
    const choice: TrafficGuardChoice = { usage: "traffic", router, relay, usability };
    this.#register(choice, guarded);
    return choice;
  }

  #openDirectory(
    netDir: NetDir,
    router: RouterStatus | undefined,
    guarded?: Omit<OpenChoice, "state">,
  ): GuardChoice | undefined {
    if (router === undefined) return undefined;
    const relay = netDir.relay(router.rsaIdentity);
    const usability = usabilityOf(guarded?.guard);
    const choice: GuardChoice = { usage: "directory", router, relay, usability };
    this.#register(choice, guarded);
    return choice;
  }

  #register(choice: GuardChoice, guarded: Omit<OpenChoice, "state"> | undefined): void {
    const { usability } = choice;
    this.#open.set(choice, {
      ...(guarded ?? { guard: undefined, obeys: () => true, isRestricted: false }),
      state: usability === "usable-on-completion"
        ? { kind: usability }
        : { kind: usability, since: this.#runtime.clock.now() },
    });
  }

  #isInternetLikelyDown(now: number): boolean {
    const interval = this.#sets.network?.parameters.internetLikelyDownInterval ?? Infinity;
    return this.#lastTimeOnInternet + interval < now;
  }

  #close(choice: GuardChoice, open: OpenChoice): void {
    settle(open, "expired");
    this.#open.delete(choice);
    this.#settle();
  }

  /** Guard-spec 4.9: looks which waiting circuits may be used now, and which waited too long. */
  #settle(): void {
    const parameters = this.#sets.network?.parameters;
    if (parameters === undefined) return;
    const now = this.#runtime.clock.now();
    if (this.#sets.primary.every((guard) => guard.reachability(now) === "no")) {
      const choices = [...this.#open.values()];
      for (const open of usableWaiting(choices, now, parameters.nonprimaryGuardConnectTimeout)) {
        settle(open, "usable");
        open.state = { kind: "complete" };
      }
    }
    let waits = false;
    for (const [choice, open] of this.#open) {
      if (open.state.kind !== "waiting-for-better-guard") continue;
      if (now - open.state.since > parameters.nonprimaryGuardIdleTimeout) {
        settle(open, "expired");
        this.#open.delete(choice);
      } else {
        waits = true;
      }
    }
    this.#settleTimer?.cancel();
    this.#settleTimer = waits
      ? this.#runtime.clock.setTimer(() => this.#settle(), SETTLE_INTERVAL)
      : undefined;
  }

  #changed(): void {
    const before = this.#document.value;
    const after = encodeGuards(
      this.#sets.sampled.map(({ facts }) => facts),
      this.#runtime.clock.now(),
    );
    // The date alone is no change.
    if (JSON.stringify(before.guards) !== JSON.stringify(after.guards)) this.#document.set(after);
  }
}

function usabilityOf(guard: SampledGuard | undefined): GuardChoice["usability"] {
  return guard === undefined || guard.isPrimary
    ? "usable-on-completion"
    : "usable-if-no-better-guard";
}

function settle(open: OpenChoice, outcome: WaitingOutcome): void {
  if (open.state.kind === "waiting-for-better-guard") open.state.settled.resolve(outcome);
}

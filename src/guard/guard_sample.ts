/**
 * The guards of this client: which relay a circuit starts at, and what is learnt of it.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import type { NetDir } from "../netdir/net_dir.ts";
import type { Relay } from "../netdir/relay.ts";
import type { RouterStatus } from "../netdoc/consensus.ts";
import type { Clock } from "../runtime/clock.ts";
import type { RandomSource } from "../runtime/random.ts";
import type { DataDirectory } from "../state/data_directory.ts";
import { Connectivity } from "./connectivity.ts";
import type {
  GuardChoice,
  OpenChoice,
  TrafficGuardChoice,
  WaitingOutcome,
} from "./guard_choice.ts";
import { type GuardChange, GuardEvents } from "./guard_events.ts";
import { EVERY_GUARD, type GuardFilterMaker } from "./guard_filter.ts";
import type { GuardOptions, GuardUsage } from "./guard_parameters.ts";
import { GuardSelections } from "./guard_selections.ts";
import {
  type GuardStatistics,
  guardStatistics,
  type PrimaryGuard,
  showGuard,
} from "./guard_statistics.ts";
import { GuardStore } from "./guard_store.ts";
import { OpenChoices } from "./open_choices.ts";
import { type CircuitEnd, CircuitPathBias } from "./path_bias.ts";
import type { SampledGuard, SampledGuardFacts } from "./sampled_guard.ts";
import { selectGuard } from "./select_guard.ts";
import { anyDirectory, anyEntry } from "./without_guards.ts";

export type { PrimaryGuard } from "./guard_statistics.ts";

/** What the guards are given from outside. */
export interface GuardRuntime {
  readonly clock: Clock;
  readonly random: RandomSource;
}

/** With fewer usable guards than this, none is spared a directory request (C tor has the same). */
const FEW_GUARDS = 10;

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
 * Beside this {@link noteInternetConnectivity} is due whenever a cell was read.
 *
 * A guard is judged in its position alone: only what happens to a choice, and only until it has
 * worked, says whether the relay can be reached as a guard. That the same relay failed as a middle or
 * an exit says nothing, for nobody connected to it; nor does what a directory guard answers, once it
 * has answered. That it could not be reached for a directory request counts for circuits too, because
 * it is the same connection. What fails behind the guard is its path bias, which is another matter.
 *
 * A failure that says nothing about the guard is not to be blamed on it: a hop behind it that
 * failed, a circuit that was not wanted any more, a machine that has no network at all.
 * {@link Connectivity} takes back what was blamed on guards while the network was gone.
 *
 * A guard that works is confirmed at once, as in C tor; but if primary guards are worth a try, only
 * when a circuit through it is used in the end: so the specification has it, and so the end of an
 * outage does not make a primary guard of one that was only tried out.
 */
export class GuardSample {
  readonly #runtime: GuardRuntime;
  readonly #options: GuardOptions;
  readonly #store: GuardStore;
  /** What was last looked at for changes. */
  #knownFacts: readonly SampledGuardFacts[] = [];
  readonly #selections: GuardSelections;
  readonly #choices: OpenChoices;
  readonly #connectivity: Connectivity;
  readonly #events = new GuardEvents();
  /** Whether primary or confirmed guards have changed since the last save was asked for. */
  #isUrgent = false;

  private constructor(
    runtime: GuardRuntime,
    options: GuardOptions,
    filterFor: GuardFilterMaker,
    store: GuardStore,
  ) {
    this.#runtime = runtime;
    this.#options = options;
    this.#store = store;
    this.#selections = new GuardSelections({
      random: runtime.random,
      options,
      filterFor,
      facts: store.guards,
      onPrimaryChange: (reason) => this.#onPrimaryChange(reason),
      onPathBias: () => this.#store.saveCounts(this.#selections.stored),
    });
    const current = () => this.#selections.current;
    this.#choices = new OpenChoices(runtime.clock, current, (open) => this.#confirm(open));
    this.#connectivity = new Connectivity(runtime.clock, current);
  }

  /**
   * Reads the guards of earlier runs. A file that makes no sense is set aside with a warning.
   *
   * @param filterFor which guards the configuration allows; all unless given
   * @throws StateError `state-file-newer`, or when files cannot be read or renamed
   */
  static async load(
    state: DataDirectory,
    runtime: GuardRuntime,
    options: GuardOptions,
    filterFor: GuardFilterMaker = () => EVERY_GUARD,
  ): Promise<GuardSample> {
    const store = await GuardStore.load(state, runtime.clock);
    return new GuardSample(runtime, options, filterFor, store);
  }

  /**
   * Takes a new consensus, or the same one with more microdescriptors, and asks for its filter. A
   * consensus that is more than a day out of date changes nothing about the sample.
   */
  update(netDir: NetDir): void {
    const now = this.#connectivity.now();
    const isOther = this.#selections.update(netDir, now);
    this.#changed();
    this.#choices.settle();
    if (isOther) this.#events.noteSelection(this.#selections.name);
  }

  /** The primary guards, the most preferred one first. */
  primaryGuards(): readonly PrimaryGuard[] {
    const now = this.#runtime.clock.now();
    return this.#selections.current.primary.map((guard) => showGuard(guard, now));
  }

  /** The numbers of this moment. */
  statistics(): GuardStatistics {
    return guardStatistics(this.#selections, this.#events, this.#runtime.clock.now());
  }

  /**
   * Calls `listener` after each change, until the function that is given back is called.
   * It must not throw.
   */
  onChange(listener: (change: GuardChange) => void): () => void {
    return this.#events.onChange(listener);
  }

  /**
   * The guards whose microdescriptors must be there before circuits are built for users: those
   * that circuits start at now and one more, as far as they are primary guards that may be reached
   * and `netDir` lacks them.
   */
  missingPrimaryMicrodescriptors(netDir: NetDir): readonly RsaIdentity[] {
    const parameters = this.#selections.current.network?.parameters;
    if (!this.#options.useEntryGuards || parameters === undefined) return [];
    const now = this.#runtime.clock.now();
    return this.#selections.current.primary
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
    const netDir = this.#selections.current.network?.netDir;
    if (netDir === undefined) return undefined;
    if (!this.#options.useEntryGuards) {
      return this.#openTraffic(netDir, anyEntry(netDir, this.#runtime.random, excluded));
    }
    const obeys = (guard: SampledGuard) => {
      // Looked up again each time, because a choice may outlive the consensus it was made from.
      const relay = this.#selections.current.network?.netDir.relay(guard.rsaIdentity);
      return relay === undefined || !excluded?.(relay);
    };
    const guard = this.#select("traffic", obeys);
    const isRestricted = excluded !== undefined;
    const relay = guard && netDir.relay(guard.rsaIdentity);
    return this.#openTraffic(netDir, relay, guard, obeys, isRestricted);
  }

  /**
   * A guard to ask for directory documents, over a circuit of one hop.
   *
   * @param excluded whether a guard cannot serve this request: it lacks a document, or just failed;
   * not obeyed while there are fewer than 10 usable guards
   * @returns `undefined` when there is none now; all guards are then worth a try again
   */
  selectForDirectory(excluded?: (router: RouterStatus) => boolean): GuardChoice | undefined {
    const sets = this.#selections.current;
    const netDir = sets.network?.netDir;
    if (netDir === undefined) return undefined;
    if (!this.#options.useEntryGuards) {
      return this.#openDirectory(netDir, anyDirectory(netDir, this.#runtime.random, excluded));
    }
    const now = this.#runtime.clock.now();
    const isRestricted = excluded !== undefined &&
      sets.sampled.filter((guard) => guard.isUsable(now)).length >= FEW_GUARDS;
    const obeys = (guard: SampledGuard) => {
      const router = this.#selections.current.network?.netDir.listed(guard.rsaIdentity);
      return !isRestricted || router === undefined || !excluded(router);
    };
    const guard = this.#select("directory", obeys);
    const router = guard && netDir.listed(guard.rsaIdentity);
    return this.#openDirectory(netDir, router, guard, obeys, isRestricted);
  }

  /**
   * Notes that the guard works: the circuit was built, or the directory request answered.
   *
   * @returns "usable" when the circuit may be used; "waiting" when better guards must be given a
   * chance first; "never" when the choice is closed or its guard no longer a guard, and the circuit
   * must be closed
   */
  noteSuccess(choice: GuardChoice): "usable" | "waiting" | "never" {
    const open = this.#choices.get(choice);
    if (open === undefined) return "never";
    if (open.guarded === undefined) {
      this.#choices.complete(open);
      return "usable";
    }
    const { guard, sets } = open.guarded;
    if (!sets.has(guard)) return "never";
    const now = this.#connectivity.now();
    this.#connectivity.noteSign(now);
    const before = guard.reachability(now);
    this.#connectivity.noteSuccess(guard);
    guard.noteSuccess(now);
    sets.noteUsed(guard, now);
    const isTryOut = open.state.kind !== "usable-on-completion" && open.state.kind !== "complete";
    const arePrimariesDown = sets.primary.every((primary) => primary.reachability(now) === "no");
    if (arePrimariesDown) this.#confirm(open);
    // It may have become primary just now.
    if (!isTryOut || guard.isPrimary) {
      this.#choices.complete(open);
      this.#confirm(open);
    } else if (open.state.kind === "usable-if-no-better-guard") {
      this.#choices.wait(open);
    }
    this.#choices.settle();
    this.#changed();
    this.#events.noteAttempt(guard, true, before);
    return open.state.kind === "complete" ? "usable" : "waiting";
  }

  /**
   * Resolves when a circuit that waits for better guards may be used ("usable"), or must be closed
   * ("expired"), which it is also when {@link noteClosed} was called. For one that does not wait,
   * this resolves at once.
   */
  whenSettled(choice: GuardChoice): Promise<WaitingOutcome> {
    const state = this.#choices.get(choice)?.state;
    if (state?.kind === "waiting-for-better-guard") return state.settled.promise;
    return Promise.resolve(state?.kind === "complete" ? "usable" : "expired");
  }

  /**
   * Blames the guard: it could not be reached, or failed before the circuit was built or the
   * request answered. Closes the choice. After a success it only does that, and also if the machine
   * has slept since the choice was made.
   */
  noteFailure(choice: GuardChoice): void {
    const open = this.#choices.get(choice);
    if (open === undefined) return;
    const { guarded, opened, state } = open;
    const now = this.#connectivity.now();
    const hasWorked = state.kind === "complete" || state.kind === "waiting-for-better-guard";
    const hasSlept = this.#connectivity.hasSleptSince(opened, now);
    if (hasWorked || hasSlept || guarded === undefined) return this.noteClosed(choice);
    this.#blame(guarded.guard, now);
    this.#choices.close(choice, "local");
  }

  /**
   * Notes that the guard of a choice does not answer, although its channel is open: it is passed
   * over like one that cannot be reached. The choice stays open, because the guard may still answer;
   * {@link noteSuccess} takes the blame back.
   */
  noteSilent(choice: GuardChoice): void {
    const guarded = this.#choices.get(choice)?.guarded;
    if (guarded === undefined) return;
    this.#blame(guarded.guard, this.#connectivity.now());
    this.#choices.settle();
  }

  /**
   * Notes, without blame, that the circuit or request of a choice is over. Twice does nothing.
   *
   * @param end who ended a circuit, for its path bias
   */
  noteClosed(choice: GuardChoice, end: CircuitEnd = "local"): void {
    const open = this.#choices.get(choice);
    if (open === undefined) return;
    const isUnfinished = open.state.kind === "usable-if-no-better-guard";
    if (isUnfinished && open.guarded !== undefined) open.guarded.guard.isPending = false;
    this.#choices.close(choice, end);
  }

  /** Notes that a cell has just come from a relay, whichever: this machine is on the internet. */
  noteInternetConnectivity(): void {
    if (this.#connectivity.noteSign(this.#connectivity.now())) this.#choices.settle();
  }

  /**
   * Notes that this machine is perhaps on the internet again: it has a network again, or ran on
   * after a pause. What failed since the last sign of the internet is worth a try at once.
   */
  noteNetworkBack(): void {
    this.#connectivity.forgive();
    this.#choices.settle();
  }

  /**
   * Saves what is not saved yet, gives up what waits, and stops the timers: to be called before
   * the end.
   *
   * @throws StateError `state-file-unwritable`
   */
  async close(): Promise<void> {
    this.#choices.closeAll();
    await this.flush();
  }

  /**
   * Saves at once what is not saved yet.
   *
   * @throws StateError `state-file-unwritable`
   */
  async flush(): Promise<void> {
    // What open circuits count as may have changed without a word.
    this.#store.saveCounts(this.#selections.stored);
    await this.#store.flush();
  }

  #select(
    usage: GuardUsage,
    obeys: (guard: SampledGuard) => boolean,
  ): SampledGuard | undefined {
    const { random } = this.#runtime;
    const now = this.#connectivity.now();
    const sets = this.#selections.current;
    sets.refresh(now);
    const mayExtend = this.#connectivity.prepareSelection(now);
    const guard = selectGuard(sets, random, usage, now, obeys, mayExtend);
    // The sample may have been extended, or guards removed.
    this.#changed();
    return guard;
  }

  #openTraffic(
    netDir: NetDir,
    relay: Relay | undefined,
    guard?: SampledGuard,
    obeys: OpenChoice["obeys"] = () => true,
    isRestricted = false,
  ): TrafficGuardChoice | undefined {
    const router = relay && netDir.listed(relay.rsaIdentity);
    if (relay === undefined || router === undefined) return undefined;
    const pathBias = guard === undefined
      ? new CircuitPathBias()
      : this.#selections.current.pathBiasOf(guard);
    const usability = usabilityOf(guard);
    const choice: TrafficGuardChoice = { usage: "traffic", router, relay, usability, pathBias };
    this.#register(choice, { guard, obeys, isRestricted, pathBias });
    return choice;
  }

  #openDirectory(
    netDir: NetDir,
    router: RouterStatus | undefined,
    guard?: SampledGuard,
    obeys: OpenChoice["obeys"] = () => true,
    isRestricted = false,
  ): GuardChoice | undefined {
    if (router === undefined) return undefined;
    const relay = netDir.relay(router.rsaIdentity);
    const usability = usabilityOf(guard);
    const choice: GuardChoice = { usage: "directory", router, relay, usability };
    this.#register(choice, { guard, obeys, isRestricted, pathBias: undefined });
    return choice;
  }

  #register(
    choice: GuardChoice,
    { guard, ...rest }: Pick<OpenChoice, "obeys" | "isRestricted" | "pathBias"> & {
      readonly guard: SampledGuard | undefined;
    },
  ): void {
    const { usability } = choice;
    const opened = this.#runtime.clock.now();
    this.#choices.add(choice, {
      ...rest,
      guarded: guard && { guard, sets: this.#selections.current },
      opened,
      state: usability === "usable-on-completion"
        ? { kind: usability }
        : { kind: usability, since: opened },
    });
  }

  /** A circuit through the guard may be used. */
  #confirm({ guarded }: OpenChoice): void {
    if (guarded === undefined || guarded.guard.isConfirmed) return;
    guarded.sets.confirm(guarded.guard, this.#runtime.clock.now());
    this.#isUrgent = true;
    this.#changed();
  }

  #blame(guard: SampledGuard, now: number): void {
    const before = guard.reachability(now);
    this.#connectivity.noteFailure(guard);
    guard.noteFailure(now);
    this.#events.noteAttempt(guard, false, before);
  }

  #onPrimaryChange(reason: string): void {
    this.#isUrgent = true;
    this.#events.notePrimaryChange(reason, this.#runtime.clock.now());
  }

  /** Saves what has changed: at once if it is about which guards are used, else within seconds. */
  #changed(): void {
    const facts = this.#selections.facts;
    const known = this.#knownFacts;
    // Looked at for each circuit, and nearly never changed.
    const isSame = facts.length === known.length && facts.every((each, at) => each === known[at]);
    if (isSame && !this.#isUrgent) return;
    this.#knownFacts = facts;
    this.#store.save(this.#selections.stored, this.#isUrgent);
    this.#isUrgent = false;
  }
}

function usabilityOf(guard: SampledGuard | undefined): GuardChoice["usability"] {
  return guard === undefined || guard.isPrimary
    ? "usable-on-completion"
    : "usable-if-no-better-guard";
}

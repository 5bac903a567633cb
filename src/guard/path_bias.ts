/**
 * Path bias: how many circuits through a guard are built and can be used. A guard that lets fail
 * what does not go to its accomplices shows itself by a low rate (path-spec 7; C tor:
 * circpathbias.c).
 *
 * Each circuit of two or more hops has one {@link CircuitPathBias}, which goes through these states
 * and counts each step once:
 *
 * | call                | due when                                                | counts            |
 * | ------------------- | ------------------------------------------------------- | ----------------- |
 * | `noteBuildAttempt`  | the second hop's answer arrived, before it is checked    | circAttempts      |
 * | `noteBuildSuccess`  | the last hop is there, wait for better guards or not     | circSuccesses     |
 * | `noteUseAttempt`    | a stream is attached (each; the first one counts)        | useAttempts       |
 * | `noteUseSuccess`    | CONNECTED or RESOLVED arrived, or an END whose reason is none of those below | at the end |
 * | `noteUseRollback`   | a stream is taken off to be tried on another circuit     | nothing           |
 * | `noteUseFailed`     | END with TORPROTOCOL or DESTROY instead of CONNECTED; the circuit is to be closed | at the end |
 * | `noteTimeout`       | the circuit was given up because building took too long  | timeouts          |
 * | `noteClosed`        | the circuit is closed, for whatever reason               | see below         |
 *
 * An END with reason INTERNAL says neither. What `noteClosed` counts:
 *
 * | state           | closed by us                              | by a relay, or its channel was lost |
 * | --------------- | ----------------------------------------- | ----------------------------------- |
 * | built           | successfulCircuitsClosed                   | collapsedCircuits                   |
 * | to be used      | unusableCircuits                           | unusableCircuits                    |
 * | used            | successfulCircuitsClosed, useSuccesses     | the same                            |
 * | use failed      | unusableCircuits                           | unusableCircuits                    |
 *
 * C tor sends a probe, a BEGIN that the exit must refuse, before it gives up a circuit that was to be
 * used: one that is answered counts as used. chive sends such probes while streams wait for an answer
 * (circuit/circuit_check.ts), which count in the same way, and none when a circuit is given up; then it
 * counts as C tor does when it cannot send one. Open circuits count as
 * successful meanwhile.
 *
 * @module
 */
import type { PathBiasParameters } from "./path_bias_parameters.ts";

/** The counts of one guard; scaling makes fractions of them. */
export interface PathBiasCounts {
  readonly circAttempts: number;
  readonly circSuccesses: number;
  readonly successfulCircuitsClosed: number;
  readonly collapsedCircuits: number;
  readonly unusableCircuits: number;
  readonly timeouts: number;
  readonly useAttempts: number;
  readonly useSuccesses: number;
}

/** The counts of a guard that was never used. */
export const NO_COUNTS: PathBiasCounts = {
  circAttempts: 0,
  circSuccesses: 0,
  successfulCircuitsClosed: 0,
  collapsedCircuits: 0,
  unusableCircuits: 0,
  timeouts: 0,
  useAttempts: 0,
  useSuccesses: 0,
};

/** How bad the rate of a guard is. */
export type PathBiasLevel = "notice" | "warn" | "extreme" | "use-notice" | "use-extreme";

/** Who ended a circuit: this side, or a relay with DESTROY or TRUNCATED, or the loss of its channel. */
export type CircuitEnd = "local" | "remote" | "channel-lost";

/** What the counts of a guard are connected with. */
export interface PathBiasContext {
  parameters(): PathBiasParameters | undefined;
  /** A count has changed. */
  changed(): void;
  /** The guard has sunk to a level, for the first time in this run, and is perhaps disabled. */
  sank(level: PathBiasLevel, isDisabled: boolean): void;
  /** The guard is not to be used any more. */
  disabled(): void;
}

type Counts = { -readonly [Name in keyof PathBiasCounts]: number };

type PathState =
  | "new"
  | "build-attempted"
  | "build-succeeded"
  | "use-attempted"
  | "use-succeeded"
  | "use-failed"
  | "counted";

/** States of circuits that are built and have not failed. */
const OPEN_STATES: readonly PathState[] = ["build-succeeded", "use-attempted", "use-succeeded"];
const USED_STATES: readonly PathState[] = ["use-attempted", "use-succeeded"];

/** The counts of one guard, with the circuits through it that are open. */
export class GuardPathBias {
  readonly #counts: Counts;
  readonly #open = new Set<CircuitPathBias>();
  readonly #levels = new Set<PathBiasLevel>();
  #isDisabled = false;

  constructor(counts: PathBiasCounts) {
    this.#counts = { ...counts };
  }

  /** Whether its rates are so low that it is not used any more. */
  get isDisabled(): boolean {
    return this.#isDisabled;
  }

  /** The counts, where open circuits count as successful (C tor stores them so). */
  get counts(): PathBiasCounts {
    return {
      ...this.#counts,
      successfulCircuitsClosed: this.#closeSuccesses(),
      useSuccesses: this.#useSuccesses(),
    };
  }

  /** What counts one circuit through this guard. */
  circuit(context: PathBiasContext): CircuitPathBias {
    return new CircuitPathBias({ guard: this, context });
  }

  /** Judges the counts of earlier runs. */
  judge(context: PathBiasContext): void {
    this.#judgeCircuits(context);
    this.#judgeUse(context);
  }

  /** For {@link CircuitPathBias} alone: keeps account of a circuit as long as it is open. */
  add(circuit: CircuitPathBias): void {
    this.#open.add(circuit);
  }

  /** For {@link CircuitPathBias} alone. */
  remove(circuit: CircuitPathBias): void {
    this.#open.delete(circuit);
  }

  /** For {@link CircuitPathBias} alone: one more of something. */
  count(name: keyof PathBiasCounts, context: PathBiasContext): void {
    if (name === "circAttempts") {
      this.#judgeCircuits(context);
      if (this.#isDisabled) return;
      this.#scaleCircuits(context);
    } else if (name === "useAttempts") {
      this.#judgeUse(context);
      this.#scaleUse(context);
    }
    this.#counts[name]++;
    context.changed();
  }

  #openIn(states: readonly PathState[]): number {
    let count = 0;
    for (const circuit of this.#open) if (states.includes(circuit.state)) count++;
    return count;
  }

  #closeSuccesses(): number {
    return this.#counts.successfulCircuitsClosed + this.#openIn(OPEN_STATES);
  }

  #useSuccesses(): number {
    return this.#counts.useSuccesses + this.#openIn(USED_STATES);
  }

  #judgeCircuits(context: PathBiasContext): void {
    const parameters = context.parameters();
    const { circAttempts } = this.#counts;
    if (parameters === undefined || circAttempts <= parameters.circuitThreshold) return;
    const rate = this.#closeSuccesses() / circAttempts;
    if (rate < parameters.extremeRate) this.#sink("extreme", parameters, context);
    else if (rate < parameters.warnRate) this.#sink("warn", parameters, context);
    else if (rate < parameters.noticeRate) this.#sink("notice", parameters, context);
  }

  #judgeUse(context: PathBiasContext): void {
    const parameters = context.parameters();
    const { useAttempts } = this.#counts;
    if (parameters === undefined || useAttempts <= parameters.useThreshold) return;
    const rate = this.#useSuccesses() / useAttempts;
    if (rate < parameters.extremeUseRate) this.#sink("use-extreme", parameters, context);
    else if (rate < parameters.noticeUseRate) this.#sink("use-notice", parameters, context);
  }

  #sink(level: PathBiasLevel, parameters: PathBiasParameters, context: PathBiasContext): void {
    const drops = parameters.dropGuards && (level === "extreme" || level === "use-extreme");
    const isNews = !this.#levels.has(level) || (drops && !this.#isDisabled);
    this.#levels.add(level);
    if (isNews) context.sank(level, drops);
    if (!drops || this.#isDisabled) return;
    this.#isDisabled = true;
    context.disabled();
  }

  /** Makes old circuits count less; those that are open count in full. */
  #scaleCircuits(context: PathBiasContext): void {
    const parameters = context.parameters();
    const counts = this.#counts;
    if (parameters === undefined || counts.circAttempts <= parameters.scaleThreshold) return;
    const { scaleRatio } = parameters;
    const built = this.#openIn([...OPEN_STATES, "use-failed"]);
    const attempted = built + this.#openIn(["build-attempted"]);
    counts.circAttempts = scaled(counts.circAttempts, scaleRatio, attempted);
    counts.circSuccesses = scaled(counts.circSuccesses, scaleRatio, built);
    counts.timeouts *= scaleRatio;
    counts.successfulCircuitsClosed *= scaleRatio;
    counts.collapsedCircuits *= scaleRatio;
    counts.unusableCircuits *= scaleRatio;
  }

  #scaleUse(context: PathBiasContext): void {
    const parameters = context.parameters();
    const counts = this.#counts;
    if (parameters === undefined || counts.useAttempts <= parameters.scaleUseThreshold) return;
    const { scaleRatio } = parameters;
    counts.useAttempts = scaled(counts.useAttempts, scaleRatio, this.#openIn(USED_STATES));
    counts.useSuccesses *= scaleRatio;
  }
}

/** Path bias of one circuit. Calls that its state does not allow do nothing. */
export class CircuitPathBias {
  readonly #counted:
    | { readonly guard: GuardPathBias; readonly context: PathBiasContext }
    | undefined;
  #state: PathState = "new";
  #isTimedOut = false;

  /** @param counted nothing is counted without one, as where entry guards are not used */
  constructor(counted?: { readonly guard: GuardPathBias; readonly context: PathBiasContext }) {
    this.#counted = counted;
  }

  /** How far the circuit is. */
  get state(): PathState {
    return this.#state;
  }

  /**
   * The second hop answers.
   *
   * @returns "refused" when the guard is not to be used any more: the circuit must be closed
   */
  noteBuildAttempt(): "continue" | "refused" {
    const counted = this.#counted;
    if (this.#state !== "new") return "continue";
    this.#count("circAttempts");
    if (counted?.guard.isDisabled) {
      this.#state = "counted";
      return "refused";
    }
    this.#state = "build-attempted";
    counted?.guard.add(this);
    return "continue";
  }

  /** All hops are there. */
  noteBuildSuccess(): void {
    if (this.#state !== "build-attempted") return;
    this.#state = "build-succeeded";
    this.#count("circSuccesses");
  }

  /** A stream is attached. */
  noteUseAttempt(): void {
    if (this.#state !== "build-succeeded") return;
    this.#count("useAttempts");
    this.#state = "use-attempted";
  }

  /** An answer of the exit to a stream has come through. */
  noteUseSuccess(): void {
    this.noteUseAttempt();
    if (this.#state === "use-attempted") this.#state = "use-succeeded";
  }

  /** A stream is tried elsewhere, so another one must succeed for the circuit to count as used. */
  noteUseRollback(): void {
    if (this.#state === "use-succeeded") this.#state = "use-attempted";
  }

  /** The exit complained of what might be a tagged cell. */
  noteUseFailed(): void {
    if (USED_STATES.includes(this.#state)) this.#state = "use-failed";
  }

  /** Building took too long. */
  noteTimeout(): void {
    if (this.#isTimedOut || this.#state === "use-succeeded" || this.#state === "counted") return;
    this.#isTimedOut = true;
    this.#count("timeouts");
  }

  /** The circuit is closed. */
  noteClosed(end: CircuitEnd): void {
    const state = this.#state;
    if (state === "counted") return;
    this.#state = "counted";
    this.#counted?.guard.remove(this);
    switch (state) {
      case "build-succeeded":
        this.#count(end === "local" ? "successfulCircuitsClosed" : "collapsedCircuits");
        break;
      case "use-attempted":
      case "use-failed":
        this.#count("unusableCircuits");
        break;
      case "use-succeeded":
        this.#count("successfulCircuitsClosed");
        this.#count("useSuccesses");
        break;
      case "new":
      case "build-attempted":
        break;
      default:
        state satisfies never;
    }
  }

  #count(name: keyof PathBiasCounts): void {
    this.#counted?.guard.count(name, this.#counted.context);
  }
}

/** Scales what is not open. */
function scaled(count: number, ratio: number, open: number): number {
  return Math.max(0, count - open) * ratio + open;
}

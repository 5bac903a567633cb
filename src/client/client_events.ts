/**
 * What a client tells while it runs.
 *
 * @module
 */
import type { BootstrapProgress, RelaySummary, WarningSummary } from "./client_summary.ts";

/** A circuit was built, and takes streams. */
export interface CircuitBuilt {
  /** Its number in logs and in {@link ClientStatus}. */
  readonly number: number;
  /** Guard, middle and exit. */
  readonly relays: readonly RelaySummary[];
}

/** A circuit was closed, by whomever. */
export interface CircuitClosed {
  /** Its number in logs and in {@link ClientStatus}. */
  readonly number: number;
  /** The code of the error that it was closed with; `circuit-closed` where nothing was wrong. */
  readonly code: string;
}

/** Other guards are used from now on, or one was found to answer or not. */
export type GuardsChanged =
  /** Others are primary. */
  | { readonly kind: "primary-guards"; readonly reason: string }
  /** Another set of guards is used: `default` or `restricted`. */
  | { readonly kind: "selection"; readonly selection: string }
  /** `fingerprint` is the guard's RSA identity, 40 hexadecimal digits. */
  | {
    readonly kind: "reachability";
    readonly fingerprint: string;
    readonly reachable: boolean;
  };

/** The events of a client by their names; each has what it tells in `detail`. */
export interface ClientEventMap {
  /** The start is a step further. */
  readonly bootstrap: CustomEvent<BootstrapProgress>;
  /** A circuit takes streams from now on. */
  readonly circuitbuilt: CustomEvent<CircuitBuilt>;
  /** A circuit is gone. */
  readonly circuitclosed: CustomEvent<CircuitClosed>;
  /** Something about the guards has changed. */
  readonly guardschange: CustomEvent<GuardsChanged>;
  /** Something that somebody should see; of all clients of the process. */
  readonly warning: CustomEvent<WarningSummary>;
}

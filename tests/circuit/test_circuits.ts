/**
 * Circuits, as a builder gives them, whose relays stand in a test network.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { BuiltLeg } from "../../src/circuit/circuit_builder.ts";
import type { TrafficGuardChoice } from "../../src/guard/guard_choice.ts";
import { type CircuitEnd, CircuitPathBias } from "../../src/guard/path_bias.ts";
import type { NetDir } from "../../src/netdir/net_dir.ts";
import type { Relay } from "../../src/netdir/relay.ts";
import { identityOf } from "../path/test_network.ts";
import { builtCircuit, type RelayEnd } from "./relay_end.ts";

/** Path bias that keeps what it was told, in order, without the "note" of the calls' names. */
export class RecordingPathBias extends CircuitPathBias {
  /** All calls, such as "UseAttempt"; `noteClosed` with the end, such as "Closed remote". */
  readonly calls: string[] = [];
  /** What the guard says to the next attempt. */
  answer: "continue" | "refused" = "continue";
  readonly #onCall: (call: string) => void;

  constructor(onCall: (call: string) => void = () => {}) {
    super();
    this.#onCall = onCall;
  }

  override noteBuildAttempt(): "continue" | "refused" {
    this.#note("BuildAttempt");
    return this.answer;
  }

  override noteBuildSuccess(): void {
    this.#note("BuildSuccess");
  }

  override noteTimeout(): void {
    this.#note("Timeout");
  }

  override noteUseAttempt(): void {
    this.#note("UseAttempt");
  }

  override noteUseSuccess(): void {
    this.#note("UseSuccess");
  }

  override noteUseFailed(): void {
    this.#note("UseFailed");
  }

  override noteUseRollback(): void {
    this.#note("UseRollback");
  }

  override noteClosed(end: CircuitEnd): void {
    this.#note(`Closed ${end}`);
  }

  #note(call: string): void {
    this.calls.push(call);
    this.#onCall(call);
  }
}

/** The relay with this number, which must be there. */
export function relayOf(netDir: NetDir, number: number): Relay {
  const relay = netDir.relay(identityOf(number));
  assert.ok(relay !== undefined);
  return relay;
}

/** The choice of a relay as the guard of one circuit. */
export function guardChoiceOf(
  netDir: NetDir,
  number: number,
  pathBias: CircuitPathBias = new RecordingPathBias(),
): TrafficGuardChoice {
  const relay = relayOf(netDir, number);
  const router = netDir.listed(relay.rsaIdentity);
  assert.ok(router !== undefined);
  return { usage: "traffic", router, relay, usability: "usable-on-completion", pathBias };
}

/** The numbers of a circuit's relays: guard, middle, exit. */
export type Path = readonly [guard: number, middle: number, exit: number];

/** A circuit with its other end and what its path bias was told. */
export interface TestCircuit {
  readonly built: BuiltLeg;
  readonly end: RelayEnd;
  readonly pathBias: RecordingPathBias;
}

/**
 * A built circuit that counts as one through these relays.
 *
 * @param hops how many hops it has in truth; where nothing is sent, one will do
 */
export async function testCircuit(netDir: NetDir, path: Path, hops = 3): Promise<TestCircuit> {
  const [guard, middle, exit] = path.map((number) => relayOf(netDir, number));
  const { circuit, end } = await builtCircuit(hops);
  const pathBias = new RecordingPathBias();
  const guardChoice = guardChoiceOf(netDir, path[0], pathBias);
  return { built: { circuit, guardChoice, guard, middle, exit }, end, pathBias };
}

/** Lets every promise that can settle do so. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 40; turn++) await Promise.resolve();
}

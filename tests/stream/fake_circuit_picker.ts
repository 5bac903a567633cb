/**
 * Gives each request a fresh circuit whose other end is the test.
 *
 * @module
 */
import type { Circuit } from "../../src/circuit/circuit.ts";
import type { CircuitRequest, PickedCircuit } from "../../src/circuit/circuit_manager.ts";
import type { RsaIdentity } from "../../src/crypto/identity.ts";
import type { Relay } from "../../src/netdir/relay.ts";
import type { CircuitPicker } from "../../src/stream/stream_attempts.ts";
import { builtCircuit, type RelayEnd, type SentMessage } from "../circuit/relay_end.ts";
import { RecordingPathBias } from "../circuit/test_circuits.ts";
import { GUARD_FLAGS, identityOf, testNetDir } from "../path/test_network.ts";

/** One circuit that was given. */
export interface Given {
  readonly circuit: Circuit;
  readonly end: RelayEnd;
  readonly exit: Relay;
  /** The middle, which is another one each time, and the exit. */
  readonly behindGuard: readonly RsaIdentity[];
  readonly request: CircuitRequest;
  readonly target: CircuitRequest["target"];
  readonly isolationKey: string;
  /** The excluded exits, and the relays to be avoided, at the time of the request. */
  readonly excluded: readonly RsaIdentity[];
  readonly avoided: readonly RsaIdentity[];
  readonly pathBias: RecordingPathBias;
  readonly retired: boolean;
  /** How often the circuit was to be checked. */
  readonly checks: number;
  /** Ends the checks of the circuit, those to come included. */
  readonly checked: PromiseWithResolvers<void>;
}

/** The middle of circuit `number` (from 1). */
export function middleOf(number: number): RsaIdentity {
  return identityOf(100 + number);
}

/** Exits are relays 1, 2 and so on; all allow IPv4, those with even numbers IPv6 too. */
export class FakeCircuitPicker implements CircuitPicker {
  readonly given: Given[] = [];
  /** Rejects the next request with this. */
  failure: Error | undefined;
  readonly #exits = testNetDir({
    relays: Array.from({ length: 20 }, (_, index) => ({
      number: index + 1,
      flags: GUARD_FLAGS,
      exitPolicy: "accept 1-65535",
      ...((index + 1) % 2 === 0 ? { exitPolicy6: "accept 80" } : {}),
    })),
  }).relays;
  #waiting: { count: number; resolve(): void } | undefined;

  async pick(request: CircuitRequest, signal: AbortSignal): Promise<PickedCircuit> {
    signal.throwIfAborted();
    if (this.failure !== undefined) throw this.failure;
    const number = this.given.length + 1;
    const exit = this.#exits[number - 1];
    const given = {
      ...await builtCircuit(),
      exit,
      behindGuard: [middleOf(number), exit.rsaIdentity],
      request,
      target: request.target,
      isolationKey: request.isolationKey,
      excluded: [...request.excludedExits],
      avoided: [...request.avoided],
      pathBias: new RecordingPathBias(),
      retired: false,
      checks: 0,
      checked: Promise.withResolvers<void>(),
    };
    this.given.push(given);
    if (this.given.length === this.#waiting?.count) this.#waiting.resolve();
    const { circuit, behindGuard, pathBias, checked } = given;
    const suspects = () => behindGuard;
    const retire = () => {
      given.retired = true;
    };
    const check = () => {
      given.checks++;
      return checked.promise;
    };
    return { circuit, exit, pathBias, suspects, retire, check };
  }

  /** The circuit of attempt `number` (from 1) and what was sent on it, once both are there. */
  async attempt(
    number: number,
  ): Promise<Given & { readonly first: SentMessage; readonly others: readonly SentMessage[] }> {
    if (this.given.length < number) {
      await new Promise<void>((resolve) => this.#waiting = { count: number, resolve });
    }
    const given = this.given[number - 1];
    await given.end.untilSent();
    const [first, ...others] = given.end.takeMessages();
    return { ...given, first, others };
  }
}

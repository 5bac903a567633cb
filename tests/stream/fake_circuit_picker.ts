/**
 * Gives each request a fresh circuit whose other end is the test.
 *
 * @module
 */
import type { Circuit } from "../../src/circuit/circuit.ts";
import type { CircuitRequest, PickedCircuit } from "../../src/circuit/circuit_manager.ts";
import type { RsaIdentity } from "../../src/crypto/identity.ts";
import type { Relay } from "../../src/netdir/relay.ts";
import type { CircuitPicker } from "../../src/stream/tor_stream_opener.ts";
import { builtCircuit, type RelayEnd, type SentMessage } from "../circuit/relay_end.ts";
import { GUARD_FLAGS, testNetDir } from "../path/test_network.ts";

/** One circuit that was given. */
export interface Given {
  readonly circuit: Circuit;
  readonly end: RelayEnd;
  readonly exit: Relay;
  readonly target: CircuitRequest["target"];
  readonly isolationKey: string;
  /** The excluded exits at the time of the request. */
  readonly excluded: readonly RsaIdentity[];
  readonly retired: boolean;
}

/** Exits are relays 1, 2 and so on; all allow IPv4, those with even numbers IPv6 too. */
export class FakeCircuitPicker implements CircuitPicker {
  readonly given: Given[] = [];
  /** Rejects the next request with this. */
  failure: Error | undefined;
  readonly #exits = testNetDir({
    relays: Array.from({ length: 10 }, (_, index) => ({
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
    const given = {
      ...await builtCircuit(),
      exit: this.#exits[this.given.length],
      target: request.target,
      isolationKey: request.isolationKey,
      excluded: [...request.excludedExits],
      retired: false,
    };
    this.given.push(given);
    if (this.given.length === this.#waiting?.count) this.#waiting.resolve();
    const retire = () => {
      given.retired = true;
    };
    return { circuit: given.circuit, exit: given.exit, retire };
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

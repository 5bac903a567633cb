/**
 * A circuit manager whose builds, forecast and clock are in the hands of the test.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { BuiltCircuit } from "../../src/circuit/circuit_builder.ts";
import {
  CircuitManager,
  type CircuitManagerParts,
  type CircuitRequest,
  type PickedCircuit,
} from "../../src/circuit/circuit_manager.ts";
import type { ForecastAdvice } from "../../src/circuit/forecast.ts";
import type { ReadyCircuit } from "../../src/circuit/ready_circuits.ts";
import type { RsaIdentity } from "../../src/crypto/identity.ts";
import type { NetDir } from "../../src/netdir/net_dir.ts";
import type { Relay } from "../../src/netdir/relay.ts";
import { exitAllows, type ExitTarget } from "../../src/path/exit_target.ts";
import { SystemNetwork } from "../../src/runtime/network.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { GUARD_FLAGS, identityOf, testNetDir } from "../path/test_network.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { FakeBuilder } from "./fake_builder.ts";
import { NEVER } from "./relay_end.ts";
import { settled } from "./test_circuits.ts";

export const MINUTE = 60_000;
export const MAX_DIRTINESS = 10 * MINUTE;
export const UNUSED_TIMEOUT = 40 * MINUTE;
export const WEB: ExitTarget = { kind: "name", port: 443 };
export const SSH: ExitTarget = { kind: "name", port: 22 };
/** What is built ahead of need. */
export const AHEAD: ExitTarget = { kind: "any-port", ports: [443] };

/** Relays 1, 2 and 6 are guards and middles; 3 and 4 exits to the web, 5 one to port 22 alone. */
export const NET_DIR = testNetDir({
  relays: [
    { number: 1 },
    { number: 2 },
    { number: 3, flags: GUARD_FLAGS, exitPolicy: "accept 80,443" },
    { number: 4, flags: GUARD_FLAGS, exitPolicy: "accept 80,443" },
    { number: 5, flags: GUARD_FLAGS, exitPolicy: "accept 22" },
    { number: 6 },
  ],
});

/** Wants as many clean circuits as the test says, and keeps what it is told. */
export class FakeForecast {
  /** How many clean circuits there should be. */
  wanted = 2;
  /** When there are enough: after how many ms it wants to be asked again. */
  delay: number | undefined;
  readonly used: ExitTarget[] = [];
  readonly built: { readonly target: ExitTarget; readonly exit: Relay | undefined }[] = [];
  /** How often it was asked what to build. */
  asked = 0;

  /** What circuits for any port would be for. */
  expected: ExitTarget | undefined;

  noteUsed(target: ExitTarget): void {
    this.used.push(target);
  }

  next(open: Iterable<ReadyCircuit>, planned: readonly ExitTarget[]): ForecastAdvice {
    this.asked++;
    const clean = [...open].filter(({ isClean }) => isClean).length;
    if (clean + planned.length < this.wanted) return { kind: "build", target: AHEAD };
    return { kind: "wait", delay: this.delay };
  }

  noteBuilt(target: ExitTarget, exit: Relay | undefined): void {
    this.built.push({ target, exit });
    if (exit === undefined) this.wanted = 0;
  }

  unusedTimeout(): number {
    return UNUSED_TIMEOUT;
  }
}

/** What a test asks a circuit for beside its isolation. */
export interface Wish {
  readonly target?: ExitTarget;
  readonly keepAlive?: boolean;
  /** Numbers of relays. */
  readonly excluded?: readonly number[];
  readonly avoided?: readonly number[];
}

/** The request that says so. */
export function requestOf(isolationKey: string, wish: Wish = {}): CircuitRequest {
  const { target = WEB, keepAlive = false, excluded = [], avoided = [] } = wish;
  const excludedExits = new Set(excluded.map(identityOf));
  return {
    target,
    isolationKey,
    keepAlive,
    excludedExits,
    avoided: new Set(avoided.map(identityOf)),
  };
}

/** A manager that is closed at the end of the test, after which nothing may run. */
export class TestManager implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly builder = new FakeBuilder();
  readonly forecast = new FakeForecast();
  netDir: NetDir | undefined = NET_DIR;
  buildTimeout = 60_000;
  built = 0;
  readonly silentGuards: RsaIdentity[] = [];
  readonly manager: CircuitManager;

  constructor(parts: Partial<CircuitManagerParts> = {}) {
    this.manager = new CircuitManager({
      runtime: { clock: this.clock, random: new SeededRandom(1), network: new SystemNetwork() },
      builder: this.builder,
      usableNetDir: () => this.netDir,
      forecast: this.forecast,
      mayServe: exitAllows,
      longLivedPorts: new Set([22]),
      buildTimeout: () => this.buildTimeout,
      maxDirtiness: MAX_DIRTINESS,
      sweepInterval: 10_000,
      maxPending: 32,
      backoff: { initial: 1000, multiplier: 2, longest: 30_000, jitter: 0 },
      onBuilt: () => this.built++,
      onSilentGuard: ({ guard }) => this.silentGuards.push(guard.rsaIdentity),
      ...parts,
    });
  }

  pick(isolationKey: string, wish: Wish = {}, signal = NEVER): Promise<PickedCircuit> {
    return this.manager.pick(requestOf(isolationKey, wish), signal);
  }

  /** The two circuits that are kept ready. */
  async ready(guard = 1) {
    this.manager.update();
    const built = [];
    for (const build of this.builder.take()) built.push(await build.succeed(3, guard));
    assert.equal(built.length, 2);
    await settled();
    return built;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.manager.close();
    assert.equal(this.clock.pendingTimers, 0);
    assert.deepEqual(this.manager.circuits, [] satisfies BuiltCircuit[]);
  }
}

/**
 * Builds circuits when the test says so.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  BuildProgress,
  type BuildRequest,
  type BuiltCircuit,
} from "../../src/circuit/circuit_builder.ts";
import type { Circuit } from "../../src/circuit/circuit.ts";
import type { CircuitManagerParts } from "../../src/circuit/circuit_manager.ts";
import type { RsaIdentity } from "../../src/crypto/identity.ts";
import type { NetDir } from "../../src/netdir/net_dir.ts";
import type { ExitTarget } from "../../src/path/exit_target.ts";
import {
  guardChoiceOf,
  type Path,
  relayOf,
  type TestCircuit,
  testCircuit,
} from "./test_circuits.ts";

/** A build that was started. */
export interface FakeBuild {
  readonly netDir: NetDir;
  readonly target: ExitTarget;
  readonly excluded: readonly RsaIdentity[];
  readonly avoided: readonly RsaIdentity[];
  readonly anyCircuitOpen: () => boolean;
  readonly signal: AbortSignal;
  /** Chooses this path, of which so many hops answer. */
  proceed(path: Path, hops: number): void;
  /** Ends it with a circuit whose exit is the relay with this number. */
  succeed(exit: number, guard?: number): Promise<BuiltCircuit & Pick<TestCircuit, "end">>;
  fail(error: Error): Promise<void>;
}

/** The builder; a build goes on until the test or its signal ends it. */
export class FakeBuilder {
  /** All builds, in the order in which they were started. */
  readonly builds: FakeBuild[] = [];
  /** What the next circuits of one hop are, in order. */
  readonly oneHops: Promise<Circuit>[] = [];
  /** What {@link close} waits for. */
  measuring: Promise<void> = Promise.resolve();
  isClosed = false;

  readonly build: CircuitManagerParts["builder"]["build"] = (netDir, request, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<BuiltCircuit>();
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const settled = async () => {
      signal.removeEventListener("abort", onAbort);
      await promise.catch(() => {});
    };
    this.builds.push({
      ...asked(request),
      netDir,
      signal,
      proceed: ([guard, middle, exit], hops) => {
        const progress = new BuildProgress({
          guardChoice: guardChoiceOf(netDir, guard),
          guard: relayOf(netDir, guard),
          middle: relayOf(netDir, middle),
          exit: relayOf(netDir, exit),
        });
        progress.hops = hops;
        request.onProgress?.(progress);
      },
      succeed: async (exit, guard = 1) => {
        const { built, end } = await testCircuit(netDir, [guard, 2, exit]);
        resolve(built);
        await settled();
        return { ...built, end };
      },
      fail: (error) => {
        reject(error);
        return settled();
      },
    });
    return promise;
  };

  oneHop(): Promise<Circuit> {
    const circuit = this.oneHops.shift();
    assert.ok(circuit !== undefined);
    return circuit;
  }

  async close(): Promise<void> {
    await this.measuring;
    this.isClosed = true;
  }

  /** Takes the builds that were started since the last time. */
  take(): FakeBuild[] {
    return this.builds.splice(0);
  }

  /** Takes the one build that must have been started. */
  takeOne(): FakeBuild {
    const builds = this.take();
    assert.equal(builds.length, 1);
    return builds[0];
  }
}

/** What a request says now, whatever becomes of it. */
function asked({ target, excludedExits, avoided, anyCircuitOpen }: BuildRequest) {
  return { target, excluded: [...excludedExits], avoided: [...avoided], anyCircuitOpen };
}

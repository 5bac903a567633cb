/**
 * Builds circuits when the test says so.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { BuiltCircuit } from "../../src/circuit/circuit_builder.ts";
import type { Circuit } from "../../src/circuit/circuit.ts";
import type { CircuitManagerParts } from "../../src/circuit/circuit_manager.ts";
import type { RsaIdentity } from "../../src/crypto/identity.ts";
import type { NetDir } from "../../src/netdir/net_dir.ts";
import type { ExitTarget } from "../../src/path/exit_target.ts";
import { identityOf } from "../path/test_network.ts";
import { builtCircuit } from "./relay_end.ts";

/** A build that was started. */
export interface FakeBuild {
  readonly netDir: NetDir;
  readonly target: ExitTarget;
  readonly excluded: readonly RsaIdentity[];
  readonly signal: AbortSignal;
  /** Ends it with a circuit whose exit is the relay with this number. */
  succeed(exit: number): Promise<BuiltCircuit>;
  fail(error: Error): Promise<void>;
}

/** The builder; a build goes on until the test or its signal ends it. */
export class FakeBuilder {
  /** All builds, in the order in which they were started. */
  readonly builds: FakeBuild[] = [];
  /** What the next circuits of one hop are, in order. */
  readonly oneHops: Promise<Circuit>[] = [];

  readonly build: CircuitManagerParts["builder"]["build"] = (
    netDir,
    target,
    excludedExits,
    signal,
  ) => {
    const { promise, resolve, reject } = Promise.withResolvers<BuiltCircuit>();
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const excluded = [...excludedExits];
    const settled = async () => {
      signal.removeEventListener("abort", onAbort);
      await promise.catch(() => {});
    };
    this.builds.push({
      netDir,
      target,
      excluded,
      signal,
      succeed: async (number) => {
        const { circuit } = await builtCircuit();
        const [guard, middle, exit] = [1, 2, number].map((each) => {
          const relay = netDir.relay(identityOf(each));
          assert.ok(relay !== undefined);
          return relay;
        });
        resolve({ circuit, guard, middle, exit });
        await settled();
        return { circuit, guard, middle, exit };
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

  /** Takes the builds that were started since the last time. */
  take(): FakeBuild[] {
    return this.builds.splice(0);
  }
}

/**
 * A circuit builder whose channel, relays, guards and clock are in the hands of the test.
 *
 * @module
 */
import { X25519KeyPair } from "../../src/crypto/x25519.ts";
import type { ChannelTarget } from "../../src/channel/connect.ts";
import type { BuildTimes } from "../../src/circuit/build_times.ts";
import {
  type BuildProgress,
  type BuildRequest,
  type BuildStep,
  type BuiltCircuit,
  CircuitBuilder,
} from "../../src/circuit/circuit_builder.ts";
import type { TrafficGuardChoice, WaitingOutcome } from "../../src/guard/guard_choice.ts";
import type { CircuitEnd } from "../../src/guard/path_bias.ts";
import { NetDir } from "../../src/netdir/net_dir.ts";
import { ProtocolVersions } from "../../src/netdoc/protocols.ts";
import { abortable } from "../../src/runtime/deadline.ts";
import { SystemNetwork } from "../../src/runtime/network.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { GUARD_FLAGS, identityOf, TEST_RULES, testNetDir } from "../path/test_network.ts";
import type { FakeClock } from "../runtime/fake_clock.ts";
import { NEVER, RelayEnd, type RelaySecrets } from "./relay_end.ts";
import { guardChoiceOf, RecordingPathBias, relayOf } from "./test_circuits.ts";

/** What relay `number` of {@link builderNetDir} knows. */
function secretsOf(number: number): RelaySecrets {
  const id = new Uint8Array(20);
  new DataView(id.buffer).setUint16(0, number);
  const ed25519Id = new Uint8Array(32);
  ed25519Id.set(id);
  return { id, ed25519Id, onionSecret: new Uint8Array(32).fill(0x40 + number) };
}

/**
 * A network in which only one path is possible: guard 1, middle 2, exit 3. All relays can do
 * congestion control.
 */
function builderNetDir(): NetDir {
  const { consensus, relays } = testNetDir({
    relays: [{ number: 1 }, { number: 2 }, {
      number: 3,
      flags: GUARD_FLAGS,
      exitPolicy: "accept 443",
    }],
  });
  const protocols = ProtocolVersions.parse("FlowCtrl=1-2 Relay=1-4");
  return new NetDir(
    { ...consensus, routers: consensus.routers.map((router) => ({ ...router, protocols })) },
    new Map(relays.map((relay, index) => [
      consensus.routers[index].microdescriptorDigest,
      {
        onionKey: new X25519KeyPair(secretsOf(index + 1).onionSecret).publicKey.slice(),
        ed25519Identity: relay.ed25519Identity,
        ipv6: relay.ipv6,
        family: relay.family,
        familyIds: relay.familyIds,
        exitPolicy: relay.exitPolicy,
        exitPolicy6: relay.exitPolicy6,
      },
    ])),
  );
}

const NET_DIR = builderNetDir();

/** Gives relay 1 as the guard, and writes down what it is told. */
class ScriptedGuards {
  /** What becomes of a circuit when it is built. */
  outcome: "usable" | "waiting" | "never" = "usable";
  /** How the wait for better guards ends. */
  readonly settling = Promise.withResolvers<WaitingOutcome>();

  constructor(readonly log: string[], readonly pathBias: RecordingPathBias) {}

  selectForTraffic(): TrafficGuardChoice {
    return guardChoiceOf(NET_DIR, 1, this.pathBias);
  }

  noteSuccess(): "usable" | "waiting" | "never" {
    this.log.push("success");
    return this.outcome;
  }

  whenSettled(): Promise<WaitingOutcome> {
    return this.settling.promise;
  }

  noteSilent(): void {
    this.log.push("silent");
  }

  noteFailure(): void {
    this.log.push("failure");
  }

  noteClosed(_choice: unknown, end: CircuitEnd = "local"): void {
    this.log.push(`closed ${end}`);
  }
}

/** What a test wants of a build. */
export interface BuildWish {
  readonly signal?: AbortSignal;
  readonly anyCircuitOpen?: () => boolean;
  readonly target?: BuildRequest["target"];
}

/** A builder with one channel, whose other end the test is. */
export class TestBuilder {
  /**
   * What guards and path bias were told, in order: the guards' calls in lower case, such as
   * "closed remote", those of the path bias as its calls are named, such as "BuildAttempt".
   */
  readonly log: string[] = [];
  readonly steps: BuildStep[] = [];
  readonly violations: string[] = [];
  readonly end = new RelayEnd((index) => secretsOf(index + 1));
  readonly pathBias = new RecordingPathBias((call) => this.log.push(call));
  readonly guards = new ScriptedGuards(this.log, this.pathBias);
  /** What the next request for a channel gets. */
  channel: Promise<RelayEnd> = Promise.resolve(this.end);
  /** What was asked for channels. */
  readonly asked: { readonly target: ChannelTarget; readonly retry: boolean | undefined }[] = [];
  readonly builder: CircuitBuilder;
  progress: BuildProgress | undefined;

  constructor(clock: FakeClock, times: BuildTimes) {
    this.builder = new CircuitBuilder({
      runtime: { clock, random: new SeededRandom(1), network: new SystemNetwork() },
      channels: {
        get: (target, signal, options) => {
          this.asked.push({ target, retry: options?.retry });
          return abortable(this.channel, signal);
        },
      },
      guards: this.guards,
      times,
      rules: () => TEST_RULES,
      netDir: () => NET_DIR,
      onStep: (step) => this.steps.push(step),
      onViolation: (relay, code) => this.violations.push(`${relay} ${code}`),
    });
  }

  build(
    { signal = NEVER, anyCircuitOpen = () => true, target }: BuildWish = {},
  ): Promise<BuiltCircuit> {
    const request: BuildRequest = {
      target: target ?? { kind: "name", port: 443 },
      excludedExits: new Set(),
      avoided: new Set(),
      anyCircuitOpen,
      onProgress: (progress) => this.progress = progress,
    };
    const building = this.builder.build(NET_DIR, request, signal);
    // A test may look only later.
    building.catch(() => {});
    return building;
  }

  /** Lets so many hops answer, one after the other. */
  async answer(hops: number): Promise<void> {
    for (let hop = 0; hop < hops; hop++) {
      await this.end.untilSent();
      if (this.progress?.hops === 0) this.end.answerCreate();
      else this.end.answerExtend();
      await this.#seen();
    }
  }

  /** The number of the relay that the build waits for, by its progress. */
  get waitsFor(): number | undefined {
    const identity = this.progress?.suspects().at(-1);
    return [1, 2, 3].find((number) => identityOf(number) === identity);
  }

  /** Lets the builder go on as far as it can. */
  async #seen(): Promise<void> {
    const hops = this.progress?.hops;
    for (let turn = 0; turn < 100 && this.progress?.hops === hops; turn++) await Promise.resolve();
  }
}

/** The relays of the only path. */
export const PATH = [1, 2, 3].map((number) => relayOf(NET_DIR, number));

/**
 * Opens streams and looks names up through Tor: picks circuits, watches the time, and tries
 * elsewhere where that can help.
 *
 * @module
 */
import { RelayCommand } from "../cell/command.ts";
import {
  type AnsweredAddress,
  BeginFlag,
  encodeBegin,
  type ResolvedAnswer as CellAnswer,
} from "../cell/stream_messages.ts";
import type { CircuitRequest, PickedCircuit } from "../circuit/circuit_manager.ts";
import { CircuitError } from "../circuit/errors.ts";
import type { RsaIdentity } from "../crypto/identity.ts";
import { describeError, TorError } from "../errors/tor_error.ts";
import { portPolicyAllows, type Relay } from "../netdir/relay.ts";
import { Logger } from "../observe/log.ts";
import type { ExitTarget } from "../path/exit_target.ts";
import { isInternalAddress } from "../netdir/subnets.ts";
import type { ByteStream } from "../runtime/byte_stream.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import { abortable, withDeadline } from "../runtime/deadline.ts";
import type { EarlyData } from "./early_data.ts";
import { StreamError, type StreamErrorCode } from "./errors.ts";
import { lookUp } from "./lookup.ts";
import type { Isolation, ResolvedAnswer, StreamOpener, StreamTarget } from "./opener.ts";
import { reverseLookupName } from "./reverse_lookup_name.ts";
import { TorStream } from "./tor_stream.ts";

const log = new Logger("stream");

/** Time for each attempt to be answered, in ms; the last stands for all later ones (C tor's values). */
const ATTEMPT_TIMEOUTS = [10_000, 10_000, 15_000];
/** Exits that may refuse a request before it is given up (C tor: MAX_RESOLVE_FAILURES). */
const MOST_REFUSALS = 3;

/** Gives circuits to streams; the circuit manager does. */
export interface CircuitPicker {
  /**
   * An open circuit, which may have to be built.
   *
   * @throws CircuitError when none can be had, or the signal's reason
   */
  pick(request: CircuitRequest, signal: AbortSignal): Promise<PickedCircuit>;
}

/** Which addresses streams may lead to (C tor's options and SocksPort flags of these names). */
export interface AddressRules {
  readonly clientRejectInternalAddresses: boolean;
  readonly clientDnsRejectInternalAddresses: boolean;
  readonly traffic: {
    readonly ipv4: boolean;
    readonly ipv6: boolean;
    readonly preferIpv6: boolean;
  };
}

/** Opens streams through circuits that a {@link CircuitPicker} gives. */
export class TorStreamOpener implements StreamOpener {
  readonly #circuits: CircuitPicker;
  readonly #clock: Clock;
  readonly #rules: AddressRules;
  readonly #timeout: number;

  /** @param timeout time for one request with all its attempts, in ms (C tor: SocksTimeout) */
  constructor(circuits: CircuitPicker, clock: Clock, rules: AddressRules, timeout: number) {
    this.#circuits = circuits;
    this.#clock = clock;
    this.#rules = rules;
    this.#timeout = timeout;
  }

  async open(
    target: StreamTarget,
    isolation: Isolation,
    early: EarlyData,
    signal: AbortSignal,
  ): Promise<ByteStream> {
    this.#refuseTarget(target);
    const exitTarget: ExitTarget = target.kind === "name"
      ? { kind: "name", port: target.port }
      : { kind: "address", family: target.kind === "ip4" ? 4 : 6, port: target.port };
    return await this.#attempt(exitTarget, isolation, signal, async ({ circuit, exit }, until) => {
      const body = encodeBegin(target.host, target.port, this.#beginFlags(target, exit));
      const stream = TorStream.begin(circuit, RelayCommand.BEGIN, body);
      try {
        await this.#connect(stream, early, until);
        return stream;
      } catch (error) {
        early.onAppend = undefined;
        stream.close();
        throw error;
      }
    });
  }

  async resolve(
    name: string,
    isolation: Isolation,
    signal: AbortSignal,
  ): Promise<ResolvedAnswer[]> {
    const answers = await this.#lookUp(name, isolation, signal);
    const addresses = answers.filter(({ kind }) => kind !== "name");
    if (addresses.length === 0) throw noAnswer();
    const allowed = addresses.filter(({ value }) => !this.#isRefusedAnswer(value));
    if (allowed.length === 0) throw internalAnswer();
    return allowed;
  }

  async resolveReverse(
    address: string,
    isolation: Isolation,
    signal: AbortSignal,
  ): Promise<ResolvedAnswer[]> {
    if (this.#rules.clientRejectInternalAddresses && isInternalAddress(address)) {
      throw internalTarget();
    }
    const answers = await this.#lookUp(reverseLookupName(address), isolation, signal);
    const names = answers.filter(({ kind }) => kind === "name");
    if (names.length === 0) throw noAnswer();
    return names;
  }

  /** Sends what the application has sent already, and waits for the answer. */
  async #connect(stream: TorStream, early: EarlyData, signal: AbortSignal): Promise<void> {
    // The stream takes writes in order; what fails shows in `connected` or in a later call.
    const write = (bytes: Uint8Array) => void stream.write(bytes).catch(() => {});
    write(early.bytes);
    early.onAppend = write;
    const { address } = await abortable(stream.connected, signal);
    this.#checkAnswer(address);
    // From here on the exit may have passed data on, so that it must not be sent a second time.
    early.close();
  }

  async #lookUp(
    name: string,
    isolation: Isolation,
    signal: AbortSignal,
  ): Promise<ResolvedAnswer[]> {
    const target: ExitTarget = { kind: "resolve" };
    return await this.#attempt(target, isolation, signal, async ({ circuit }, until) => {
      const found: ResolvedAnswer[] = [];
      let transient = false;
      for (const answer of await lookUp(circuit, name, until)) {
        if (answer.kind === "transient-error") transient = true;
        else if (isRecord(answer)) found.push(answer);
      }
      if (found.length === 0 && transient) {
        throw new StreamError("resolve-failed-for-now", "the exit could not look it up now");
      }
      return found;
    });
  }

  /** Tries on one circuit after another, as long as that can help. */
  #attempt<T>(
    target: ExitTarget,
    isolation: Isolation,
    signal: AbortSignal,
    action: (picked: PickedCircuit, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const late = () => timedOut(this.#timeout);
    return withDeadline(this.#clock, this.#timeout, late, signal, async (until) => {
      const excludedExits = new Set<RsaIdentity>();
      let failure: TorError | undefined;
      let refusals = 0;
      let losses = 0;
      for (let attempt = 0;; attempt++) {
        const request = { target, isolationKey: isolation.key, excludedExits };
        const picked = await this.#pick(request, until, failure);
        const timeout = ATTEMPT_TIMEOUTS[Math.min(attempt, ATTEMPT_TIMEOUTS.length - 1)];
        try {
          return await withDeadline(
            this.#clock,
            timeout,
            () => timedOut(timeout),
            until,
            (attemptUntil) => action(picked, attemptUntil),
          );
        } catch (error) {
          until.throwIfAborted();
          this.#blame(picked, error);
          if (!(error instanceof TorError) || error.retry !== "elsewhere") throw error;
          // A circuit that was lost or is silent says nothing about its exit, or about the target.
          if (!CIRCUIT_FAILURES.has(error.code)) {
            if (++refusals === MOST_REFUSALS) throw error;
            excludedExits.add(picked.exit.rsaIdentity);
          }
          failure = error;
          log.info(`Trying another circuit: ${describeError(error)}`);
          // What timed out has waited already.
          if (error.code === "stream-circuit-closed" && ++losses > FREE_LOSSES) {
            await sleep(this.#clock, pauseAfter(losses - FREE_LOSSES), until);
          }
        }
      }
    });
  }

  /** Picks a circuit; where no exit is left to try, what the last one said is the answer. */
  async #pick(
    request: CircuitRequest,
    signal: AbortSignal,
    failure: TorError | undefined,
  ): Promise<PickedCircuit> {
    try {
      return await this.#circuits.pick(request, signal);
    } catch (error) {
      if (failure === undefined || !(error instanceof CircuitError)) throw error;
      throw error.code === "no-exit" ? failure : error;
    }
  }

  /** What a failed attempt says about its circuit. */
  #blame(picked: PickedCircuit, error: unknown): void {
    if (!(error instanceof StreamError)) return;
    if (CIRCUIT_ENDERS.has(error.code)) picked.circuit.close();
    else if (CIRCUIT_RETIRERS.has(error.code)) picked.retire();
  }

  #refuseTarget(target: StreamTarget): void {
    if (target.kind === "name") {
      if (/\.(onion|exit)\.?$/i.test(target.host)) {
        throw new StreamError("onion-unsupported", "names ending in .onion or .exit are refused");
      }
      return;
    }
    if (this.#rules.clientRejectInternalAddresses && isInternalAddress(target.host)) {
      throw internalTarget();
    }
    if (!(target.kind === "ip4" ? this.#rules.traffic.ipv4 : this.#rules.traffic.ipv6)) {
      throw new StreamError("target-refused", "this port carries no traffic of that kind");
    }
  }

  /** The flags of BEGIN, as C tor sets them: IPv6 only where the exit's policy allows the port. */
  #beginFlags({ port }: StreamTarget, exit: Relay): number {
    const { ipv4, ipv6, preferIpv6 } = this.#rules.traffic;
    let flags = ipv4 ? 0 : BeginFlag.IPV4_NOT_OKAY;
    if (ipv6 && portPolicyAllows(exit.exitPolicy6, port)) {
      flags |= BeginFlag.IPV6_OKAY;
      if (ipv4 && preferIpv6) flags |= BeginFlag.IPV6_PREFERRED;
    }
    return flags;
  }

  #checkAnswer(address: AnsweredAddress | undefined): void {
    if (address !== undefined && this.#isRefusedAnswer(address.value)) throw internalAnswer();
  }

  #isRefusedAnswer(value: string): boolean {
    return this.#rules.clientDnsRejectInternalAddresses && isInternalAddress(value);
  }
}

// The exit may have complained of cells that were tampered with on the way (C tor does the same).
const CIRCUIT_ENDERS: ReadonlySet<StreamErrorCode> = new Set<StreamErrorCode>([
  "end-tor-protocol",
  "end-destroy",
]);
/** Circuits that one request may lose under it before each further try waits. */
const FREE_LOSSES = 3;
/** The longest of these waits, in ms. */
const LONGEST_PAUSE = 10_000;

/** Twice as long each time, in ms: exits that close every circuit must not have thousands built. */
function pauseAfter(losses: number): number {
  return Math.min(100 * 2 ** losses, LONGEST_PAUSE);
}

/** Failures of the way to the exit: as many are tried as the time allows, as C tor does. */
const CIRCUIT_FAILURES: ReadonlySet<string> = new Set([
  "stream-timeout",
  "stream-circuit-closed",
  "circuit-channel-lost",
  "circuit-closed",
]);
const CIRCUIT_RETIRERS: ReadonlySet<StreamErrorCode> = new Set<StreamErrorCode>([
  "end-resolve-failed",
  "end-misc",
  "end-no-route",
  "end-hibernating",
  "end-resource-limit",
  "stream-timeout",
]);

function timedOut(after: number): StreamError {
  return new StreamError("stream-timeout", `no answer after ${after} ms`);
}

function internalTarget(): StreamError {
  return new StreamError(
    "internal-address-refused",
    "an address of a private network was asked for",
  );
}

function internalAnswer(): StreamError {
  return new StreamError(
    "internal-answer-refused",
    "the exit answered with an address of a private network",
  );
}

function isRecord(answer: ResolvedAnswer | CellAnswer): answer is ResolvedAnswer {
  return answer.kind !== "error" && answer.kind !== "transient-error";
}

function noAnswer(): StreamError {
  return new StreamError("resolve-failed", "the lookup found nothing");
}

/**
 * Opens streams and looks names up through Tor: refuses what must not be asked, says what is to be
 * done on a circuit, and checks what comes back.
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
import { portPolicyAllows, type Relay } from "../netdir/relay.ts";
import type { ExitTarget } from "../path/exit_target.ts";
import { isInternalAddress } from "../netdir/subnets.ts";
import type { ByteStream } from "../runtime/byte_stream.ts";
import { abortable } from "../runtime/deadline.ts";
import type { EarlyData } from "./early_data.ts";
import { StreamError } from "./errors.ts";
import { lookUp } from "./lookup.ts";
import type { Isolation, ResolvedAnswer, StreamOpener, StreamTarget } from "./opener.ts";
import { reverseLookupName } from "./reverse_lookup_name.ts";
import type { StreamAttempts } from "./stream_attempts.ts";
import { TorStream } from "./tor_stream.ts";

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

/** Opens streams by {@link StreamAttempts}. */
export class TorStreamOpener implements StreamOpener {
  readonly #attempts: StreamAttempts;
  readonly #rules: AddressRules;

  constructor(attempts: StreamAttempts, rules: AddressRules) {
    this.#attempts = attempts;
    this.#rules = rules;
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
    return await this.#attempts.run(
      exitTarget,
      isolation,
      signal,
      async ({ circuit, exit }, until) => {
        const body = encodeBegin(target.host, target.port, this.#beginFlags(target, exit));
        const stream = TorStream.begin(circuit, RelayCommand.BEGIN, body, this.#attempts.clock);
        try {
          await this.#connect(stream, early, until);
          return stream;
        } catch (error) {
          early.onAppend = undefined;
          stream.close();
          throw error;
        }
      },
    );
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
    return await this.#attempts.run(target, isolation, signal, async ({ circuit }, until) => {
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

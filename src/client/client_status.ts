/**
 * What a client tells about itself.
 *
 * @module
 */
import type { ChannelStatistics } from "../channel/channel_manager.ts";
import type { BuildTimeStatistics } from "../circuit/build_times.ts";
import type { CircuitStatistics } from "../circuit/circuit_manager.ts";
import type { RsaIdentity } from "../crypto/identity.ts";
import type { DirectoryStatistics } from "../directory/directory.ts";
import type { GuardStatistics } from "../guard/guard_statistics.ts";
import type { StreamOutcomes } from "./stream_counts.ts";

/** What a client has and does. */
export interface ClientStatistics {
  /** Whether it sleeps for lack of use. */
  readonly dormant: boolean;
  readonly guards: GuardStatistics;
  readonly channels: ChannelStatistics;
  readonly circuits: CircuitStatistics;
  readonly buildTimes: BuildTimeStatistics;
  readonly directory: DirectoryStatistics;
  /** Streams that are open or being opened. */
  readonly streams: number;
  /** What became of the requests of applications. */
  readonly requests: StreamOutcomes;
  /** Tries of requests that another try followed, by the code of the error. */
  readonly streamRetries: ReadonlyMap<string, number>;
}

/** A relay, as it is shown. */
export interface RelayStatus {
  readonly rsaIdentity: RsaIdentity;
  readonly nickname: string;
  /** Two lower-case letters; undefined where the country files do not tell it. */
  readonly country: string | undefined;
}

/** A circuit for streams, as it is shown. */
export interface CircuitStatus {
  /** Its number in logs. */
  readonly number: number;
  /** The number of the Conflux set that it is a leg of: all its legs carry the same streams. */
  readonly confluxSet: number | undefined;
  /** Guard, middle and exit. */
  readonly relays: readonly RsaIdentity[];
  /** The same, with what is known of them. */
  readonly hops: readonly RelayStatus[];
  /** Never used; used; or taking no new streams any more. */
  readonly state: "clean" | "used" | "retired";
  /** Milliseconds since it was built. */
  readonly age: number;
  /** What the streams on it have in common; undefined before the first. It holds passwords. */
  readonly isolationKey: string | undefined;
  /** Streams that are open on it. */
  readonly streams: number;
}

/** A channel, as it is shown. */
export interface ChannelStatus {
  readonly relay: RsaIdentity;
  /** Circuits of any kind that use it. */
  readonly circuits: number;
}

/**
 * What the parts of one embedded relay share.
 *
 * @module
 */
import type { ChannelManager } from "../src/channel/channel_manager.ts";
import type { Runtime } from "../src/runtime/runtime.ts";
import type { RelayBehaviour } from "./behaviour.ts";
import type { DirectoryService } from "./directory_http.ts";
import type { Events, RelayEvent } from "./events.ts";
import type { LinkIdentity } from "./link_certificate.ts";
import type { EmbeddedRelayKeys } from "./relay_keys.ts";
import type { RelayConfluxSet } from "./relay_conflux.ts";
import type { RelayCapabilities } from "./relay_protocols.ts";
import type { Tasks } from "./tasks.ts";

/** What a relay has carried so far. */
export interface RelayTraffic {
  /** Relay cells from the side of the client, for this relay or to be passed on. */
  cellsForward: number;
  /** Relay cells towards the client, from this relay or passed on. */
  cellsBackward: number;
  /** Bytes of relay data that came for streams at this relay. */
  dataForward: number;
  /** Bytes of relay data from streams at this relay. */
  dataBackward: number;
}

/**
 * Names that exits can look up, in lower case, with their addresses; and for reverse lookups
 * `d.c.b.a.in-addr.arpa` with a name.
 */
export type Names = Readonly<Record<string, string>>;

/** What the parts of a relay share. */
export interface RelayContext {
  readonly nickname: string;
  readonly hostname: string;
  readonly isExit: boolean;
  /** What it can agree to about circuits. */
  readonly capabilities: RelayCapabilities;
  readonly keys: EmbeddedRelayKeys;
  readonly link: LinkIdentity;
  readonly behaviour: RelayBehaviour;
  readonly runtime: Runtime;
  /** The channels to other relays. */
  readonly channels: ChannelManager;
  readonly directory: DirectoryService;
  readonly names: Names;
  readonly traffic: RelayTraffic;
  readonly events: Events;
  readonly tasks: Tasks;
  /** Those that end here, by their nonces in hexadecimal. */
  readonly confluxSets: Map<string, RelayConfluxSet>;
  /** A number for a new circuit, from 1. */
  readonly nextCircuitNumber: () => number;
}

type WithoutRelay<T> = T extends unknown ? Omit<T, "relay"> : never;

/** Tells those who wait that something has happened at the relay. */
export function tell(relay: RelayContext, event: WithoutRelay<RelayEvent>): void {
  relay.events.add({ ...event, relay: relay.nickname } as RelayEvent);
}

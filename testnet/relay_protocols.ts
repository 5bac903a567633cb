/**
 * What an embedded relay speaks, and what it agrees to about circuits because of it.
 *
 * @module
 */
import {
  CC_REQUEST,
  ccResponse,
  type CircuitExtension,
  CircuitExtensionType,
  encodeCircuitExtensions,
  findCircuitExtension,
} from "../src/cell/circuit_extensions.ts";
import type { ProtocolVersions } from "../src/netdoc/protocols.ts";

/** The subprotocols of an embedded relay that is not told otherwise. */
export const RELAY_PROTOCOLS =
  "Cons=1-2 Desc=1-2 DirCache=2 FlowCtrl=1-2 Link=4-5 LinkAuth=3 Microdesc=1-2 Relay=1-4";

/** The subprotocols of a relay from before ntor-v3 and congestion control. */
export const OLD_RELAY_PROTOCOLS =
  "Cons=1-2 Desc=1-2 DirCache=2 FlowCtrl=1 Link=4-5 LinkAuth=3 Microdesc=1-2 Relay=1-3";

/**
 * The subprotocols of a relay that claims Counter Galois Onion too. An embedded relay does not have
 * it, and refuses circuits that ask for it.
 */
export const CGO_RELAY_PROTOCOLS = RELAY_PROTOCOLS.replace("Relay=1-4", "Relay=1-6");

/** The subprotocols of a relay that can be the exit of Conflux sets. */
export const CONFLUX_RELAY_PROTOCOLS = `Conflux=1 ${RELAY_PROTOCOLS}`;

/** DATA messages for each circuit SENDME without congestion control. */
const FIXED_INCREMENT = 100;

/** How a circuit's flow is controlled, at the relay where it was asked for. */
export interface CircuitFlow {
  /** Whether there is congestion control, and so XON and XOFF in place of stream SENDMEs. */
  readonly congestionControl: boolean;
  /** DATA messages for each circuit SENDME. */
  readonly sendmeIncrement: number;
}

/** The flow of circuits whose handshake agrees on nothing. */
export const FIXED_WINDOWS: CircuitFlow = {
  congestionControl: false,
  sendmeIncrement: FIXED_INCREMENT,
};

/** What a relay can agree to. */
export interface RelayCapabilities {
  /** Whether it takes ntor-v3 handshakes. */
  readonly ntorV3: boolean;
  /** Congestion control as this relay offers it; `undefined` when it does not. */
  readonly congestionControl: CircuitFlow | undefined;
  /** Whether it takes circuits as legs of Conflux sets. */
  readonly conflux: boolean;
}

/**
 * What follows from a relay's subprotocols and the consensus parameters `cc_alg` and
 * `cc_sendme_inc`, with C tor's defaults and bounds.
 *
 * @param parameters `name=value` with spaces between
 */
export function relayCapabilities(
  protocols: ProtocolVersions,
  parameters: string,
): RelayCapabilities {
  const value = (name: string) => {
    const entry = parameters.split(" ").find((each) => each.startsWith(`${name}=`));
    return entry === undefined ? undefined : Number(entry.slice(name.length + 1));
  };
  const offers = protocols.supports("FlowCtrl", 2) && value("cc_alg") !== 0;
  const sendmeIncrement = Math.min(Math.max(value("cc_sendme_inc") ?? 31, 1), 254);
  return {
    ntorV3: protocols.supports("Relay", 4),
    congestionControl: offers ? { congestionControl: true, sendmeIncrement } : undefined,
    conflux: offers && protocols.supports("Conflux", 1),
  };
}

/** What a relay makes of a client's circuit extensions. */
export interface Agreement {
  /** How the circuit's flow is controlled at this relay. */
  readonly flow: CircuitFlow;
  /** The relay's message in the handshake, before it is encrypted. */
  readonly message: Uint8Array;
}

/**
 * Answers a client's extensions.
 *
 * @returns `undefined` when it asks for a capability that must not be passed over
 */
export function agree(
  capabilities: RelayCapabilities,
  asked: readonly CircuitExtension[],
): Agreement | undefined {
  const subprotocols = findCircuitExtension(asked, CircuitExtensionType.SUBPROTOCOL_REQUEST);
  if (subprotocols !== undefined && subprotocols.body.length > 0) return undefined;
  const flow = capabilities.congestionControl;
  if (flow === undefined || findCircuitExtension(asked, CC_REQUEST.type) === undefined) {
    return { flow: FIXED_WINDOWS, message: encodeCircuitExtensions([]) };
  }
  return { flow, message: encodeCircuitExtensions([ccResponse(flow.sendmeIncrement)]) };
}

/**
 * What is shown of a client in two lines, taken from it at any moment.
 *
 * @module
 */
import type { RunningClient } from "../client/running_client.ts";
import type { OpenDoor } from "../proxy/doors.ts";
import { describePlace } from "../proxy/listen_place.ts";
import type { Clock } from "../runtime/clock.ts";
import type { DisplayState } from "./display.ts";

/** What is looked at of a client. */
export type ViewedClient = Pick<
  RunningClient,
  "bootstrap" | "startedAt" | "readiness" | "statistics" | "doors"
>;

/** Rates are means over this time, in ms. */
const WINDOW = 5000;
/** Between two samples for them, in ms. */
const SAMPLE_INTERVAL = 500;

/** How many bytes there were at a moment. */
interface Sample {
  readonly at: number;
  readonly received: number;
  readonly sent: number;
}

/** Bytes per second in each direction. */
export class RateMeter {
  /** The oldest one first; the first two may be further apart than the others. */
  readonly #samples: Sample[] = [];

  /** The rate up to now, over the last seconds. */
  rate(now: Sample): { readonly received: number; readonly sent: number } {
    const samples = this.#samples;
    while (samples.length > 1 && now.at - samples[1].at >= WINDOW) samples.shift();
    const [oldest = now] = samples;
    if (now.at - (samples.at(-1)?.at ?? -Infinity) >= SAMPLE_INTERVAL) samples.push(now);
    const seconds = (now.at - oldest.at) / 1000;
    if (seconds <= 0) return { received: 0, sent: 0 };
    return {
      received: (now.received - oldest.received) / seconds,
      sent: (now.sent - oldest.sent) / seconds,
    };
  }
}

const DOOR_NAMES = { SocksPort: "SOCKS", HTTPTunnelPort: "HTTP", DNSPort: "DNS" } as const;

/** A function that takes what is shown from the client. */
export function viewOf(client: ViewedClient, clock: Pick<Clock, "monotonic">): () => DisplayState {
  const meter = new RateMeter();
  return () => {
    const { dormant, circuits, channels, streams } = client.statistics();
    const readiness = client.readiness();
    const { percent, summary } = client.bootstrap.status;
    const now = clock.monotonic();
    const { received, sent } = channels.bytes;
    return {
      bootstrap: { percent, summary },
      notReady: readiness.ready ? undefined : readiness.why,
      dormant,
      doors: client.doors.map(nameDoor),
      seconds: (now - client.startedAt) / 1000,
      circuits: { open: circuits.clean + circuits.used, building: circuits.building },
      streams: { open: streams, waiting: circuits.waitingStreams },
      rate: meter.rate({ at: now, received, sent }),
      total: { received, sent },
    };
  };
}

/** A door for people: `SOCKS 127.0.0.1:9050`. */
export function nameDoor({ kind, place }: Pick<OpenDoor, "kind" | "place">): string {
  return `${DOOR_NAMES[kind]} ${describePlace(place)}`;
}

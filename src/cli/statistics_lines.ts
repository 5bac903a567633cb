/**
 * What SIGUSR1 writes into the log: the state of the client in a few lines.
 *
 * @module
 */
import { describeBytes, describeSeconds } from "../monitor/amounts.ts";
import type { Clock } from "../runtime/clock.ts";
import { nameDoor, type ViewedClient } from "./client_view.ts";

/** Lines about everything, without destinations. */
export function statisticsLines(
  client: ViewedClient,
  clock: Pick<Clock, "monotonic">,
): readonly string[] {
  const { dormant, guards, channels, circuits, buildTimes, directory, streams, requests } = client
    .statistics();
  const readiness = client.readiness();
  const { percent } = client.bootstrap.status;
  const health = dormant
    ? "asleep for lack of use"
    : readiness.ready
    ? "ready"
    : `not ready: ${readiness.why.replace(/\.$/, "")}`;
  const doors = client.doors.map((door) => {
    const connections = counted(door.connections, "connection");
    return `${nameDoor(door)} (${connections})`;
  });
  const { consensus } = directory;
  return [
    `Running for ${describeSeconds((clock.monotonic() - client.startedAt) / 1000)}, ` +
    `bootstrapped ${percent}%, ${health}`,
    `Ports: ${doors.join(", ") || "none"}`,
    `Circuits: ${circuits.used} used and ${circuits.clean} unused open, ${circuits.building} being ` +
    `built; ${circuits.built} built since the start, not built: ${tallied(circuits.failures)}; ` +
    `timeout ${describeSeconds(buildTimes.timeout / 1000)} (${buildTimes.source})`,
    `Streams: ${streams} open, ${circuits.waitingStreams} waiting; since the start ` +
    `${requests.opened} opened, ${requests.resolved} names looked up, ${requests.abandoned} ` +
    `abandoned, failed: ${tallied(requests.failures)}`,
    `Guards: ${guards.counts.primary} primary and ${guards.counts.confirmed} confirmed of ` +
    `${guards.counts.sampled}, ${guards.counts.unreachable} not reachable`,
    `Channels: ${channels.open} open, ${channels.opening} being opened; ${channels.attempts} ` +
    `attempts since the start, relays refused: ${tallied(channels.refusals)}`,
    `Traffic: ${describeBytes(channels.bytes.received)} received, ` +
    `${describeBytes(channels.bytes.sent)} sent`,
    consensus === undefined
      ? "Directory: no consensus"
      : `Directory: a consensus that is ${consensus.liveness}, of ` +
        `${new Date(consensus.validAfter).toISOString()}`,
    `Memory: ${describeBytes(Deno.memoryUsage().rss)}`,
  ];
}

function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

function tallied(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([code, count]) => `${count} ${code}`).join(", ") || "none";
}

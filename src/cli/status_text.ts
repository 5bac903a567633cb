/**
 * What a client tells about itself, as text for people.
 *
 * @module
 */
import { describeAgo, describeBytes, describeSeconds } from "../monitor/amounts.ts";
import type { StatusReport } from "../monitor/status_schema.ts";

type Relay = StatusReport["circuits"][number]["relays"][number];
type Guard = StatusReport["guards"][number];

/** How many guards that are not primary are shown. */
const MOST_OTHERS = 5;
/** How many of the last warnings are shown. */
const MOST_WARNINGS = 5;

/** All of it, a newline at the end. */
export function statusText(report: StatusReport): string {
  const { version, uptimeSeconds, streams, traffic, circuitCounts, buildTimes } = report;
  const lines = [
    `chive ${version}, running for ${describeSeconds(uptimeSeconds)}: ${health(report)}`,
    "",
    "Guards",
    ...guardLines(report),
    "",
    `Circuits: ${report.circuits.length} open, ${circuitCounts.building} being built, ` +
    `${circuitCounts.built} built since the start, timeout ${
      describeSeconds(buildTimes.timeoutSeconds)
    }`,
    ...report.circuits.map(circuitLine),
    ...failureLines("Not built", circuitCounts.failures),
    "",
    `Streams: ${streams.open} open, ${streams.waiting} waiting, ${streams.opened} opened since the start`,
    ...failureLines("Failed", streams.failures),
    "",
    `Traffic: ${describeBytes(traffic.readPerSecond)}/s down, ` +
    `${describeBytes(traffic.writtenPerSecond)}/s up; ${describeBytes(traffic.read)} and ` +
    `${describeBytes(traffic.written)} since the start`,
    directoryLine(report),
    ...warningLines(report),
  ];
  return lines.map(printable).join("\n") + "\n";
}

function health({ health, bootstrap }: StatusReport): string {
  if (health.dormant) return "asleep until the next request";
  if (health.ready) return "ready";
  return `not ready (${bootstrap.percent}%). ${health.reason ?? bootstrap.summary}`;
}

function guardLines({ guards, time }: StatusReport): string[] {
  const primary = guards.filter((guard) => guard.primary);
  const others = guards.filter((guard) => !guard.primary);
  const confirmed = others.filter((guard) => guard.confirmed);
  const shown = confirmed.slice(0, MOST_OTHERS);
  const rest = others.length - shown.length;
  return [
    ...guards.length === 0 ? ["  none yet"] : [],
    ...[...primary, ...shown].map((guard) => `  ${guardLine(guard, time)}`),
    ...rest > 0 ? [`  and ${rest} more in the sample`] : [],
  ];
}

function guardLine(guard: Guard, now: string): string {
  const { state, primary, confirmed, disabled, filtered, lastSuccess } = guard;
  const marks = [
    ...primary ? ["primary"] : [],
    ...confirmed ? ["confirmed"] : [],
    state,
    ...disabled ? ["given up"] : filtered ? [] : ["not allowed or not listed"],
    `last success ${describeAgo(lastSuccess, now)}`,
  ];
  return `${relayName(guard)}  ${marks.join(", ")}`;
}

const STATES = { clean: "unused", used: "used", retired: "retired" } as const;

function circuitLine(
  { number, confluxSet, state, ageSeconds, streams, relays }: StatusReport["circuits"][number],
) {
  const open = `${streams} stream${streams === 1 ? "" : "s"}`;
  const set = confluxSet === null ? "" : `, Conflux set ${confluxSet}`;
  return `  ${number}  ${relays.map(relayName).join(" > ")}  ` +
    `${STATES[state]}, ${open}, ${describeSeconds(ageSeconds)} old${set}`;
}

/** The name, the country where it is known, and enough of the fingerprint to tell it apart. */
function relayName({ nickname, fingerprint, country }: Relay): string {
  const where = country === null ? "" : ` {${country}}`;
  return `${nickname}${where} ($${fingerprint.slice(0, 8)})`;
}

function failureLines(what: string, failures: Readonly<Record<string, number>>): string[] {
  const told = Object.entries(failures).map(([code, count]) => `${count} ${code}`).join(", ");
  return told === "" ? [] : [`  ${what}: ${told}`];
}

function directoryLine({ directory }: StatusReport): string {
  if (directory === null) return "Directory: none yet";
  const { ageSeconds, liveness } = directory;
  return `Directory: ${describeSeconds(ageSeconds)} old, ${liveness}`;
}

function warningLines({ warnings, time }: StatusReport): string[] {
  if (warnings.total === 0) return [];
  if (warnings.hidden) return ["", `Warnings: ${warnings.total}; see the log`];
  return [
    "",
    `Warnings: ${warnings.total}; the last ones:`,
    ...warnings.lines.slice(-MOST_WARNINGS).map((line) =>
      `  ${describeAgo(line.time, time)}: ${line.message}`
    ),
  ];
}

/** What listens there may be another program. */
function printable(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, "?");
}

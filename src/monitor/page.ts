/**
 * The page for people: what `/status.json` says, as HTML. It needs no script, and nothing from
 * elsewhere.
 *
 * @module
 */
import { describeAgo, describeBytes, describeSeconds } from "./amounts.ts";
import { Markup, markup } from "./markup.ts";
import { PAGE_SCRIPT } from "./page_script.ts";
import { PAGE_STYLE } from "./page_style.ts";
import type { StatusReport } from "./status_schema.ts";
import { throughputPlot } from "./throughput_plot.ts";

type Guard = StatusReport["guards"][number];
type Circuit = StatusReport["circuits"][number];
type Relay = Circuit["relays"][number];

/** Circuits that are shown; a busy client has hundreds. */
const MOST_CIRCUITS = 100;

const NOTHING = new Markup("");

/** The whole page. */
export function renderPage(status: StatusReport): string {
  const { word, tone } = condition(status);
  const page = markup`<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <noscript><meta http-equiv="refresh" content="5"></noscript>
  <title>${word} · chive</title>
  <style>${new Markup(PAGE_STYLE)}</style>
  <script type="module">${new Markup(PAGE_SCRIPT)}</script>
</head>
<body>
<p class="lost-note bad" role="status">chive does not answer any more: what follows is old.</p>
<header>
  <h1>chive</h1>
  <span class="pill ${tone}">${word}</span>
  <span class="dim">${status.version}, up ${describeSeconds(status.uptimeSeconds)}</span>
</header>
<main>
${bootstrap(status)}
<section class="wide"><h2>Throughput</h2>${throughputPlot(status.traffic)}</section>
${numbers(status)}
${circuits(status)}
${guards(status)}
${network(status)}
${warnings(status)}
</main>
</body>
</html>
`;
  return page.text;
}

/** In one word. */
function condition({ health, bootstrap }: StatusReport): { word: string; tone: string } {
  if (health.ready) return { word: health.dormant ? "Asleep" : "Ready", tone: "good" };
  if (bootstrap.percent < 100) return { word: `Starting, ${bootstrap.percent}%`, tone: "warn" };
  return { word: "Not ready", tone: "bad" };
}

/** How far the start is, or why nothing works after it; nothing while all is well. */
function bootstrap({ bootstrap, health }: StatusReport): Markup {
  if (health.ready) return NOTHING;
  const { percent, tag, summary } = bootstrap;
  const trouble = percent < 100 ? NOTHING : markup`<p class="bad">${health.reason ?? ""}</p>`;
  return markup`
<section class="wide">
  <h2>Bootstrap</h2>
  <progress max="100" value="${percent}">${percent}%</progress>
  <p>${percent}% (${tag}): ${summary}</p>
  ${trouble}
</section>`;
}

function numbers(status: StatusReport): Markup {
  const { streams, circuits, circuitCounts, channels, traffic, buildTimes, process } = status;
  const all: readonly (readonly [name: string, value: string | number])[] = [
    ["Streams open", streams.open],
    ["Streams waiting", streams.waiting],
    ["Circuits open", circuits.length],
    ["Circuits being built", circuitCounts.building],
    ["Connections to relays", channels.length],
    ["Read in all", describeBytes(traffic.read)],
    ["Written in all", describeBytes(traffic.written)],
    ["Time allowed to build", `${buildTimes.timeoutSeconds} s`],
    ["Memory", describeBytes(process.residentBytes)],
    ["Longest stall", `${Math.round(process.eventLoopDelaySeconds * 1000)} ms`],
  ];
  return markup`
<section class="wide">
  <h2>Now</h2>
  <dl>${
    all.map(([name, value]) =>
      markup`
    <div><dt>${name}</dt><dd>${value}</dd></div>`
    )
  }
  </dl>
</section>`;
}

function circuits({ circuits }: StatusReport): Markup {
  const shown = circuits.toSorted((a, b) => b.streams - a.streams || a.number - b.number)
    .slice(0, MOST_CIRCUITS);
  const more = circuits.length - shown.length;
  return markup`
<section class="wide">
  <h2>Circuits</h2>
  ${list(shown.map(circuit), "None is open.")}
  ${more === 0 ? NOTHING : markup`<p class="dim">and ${more} more</p>`}
</section>`;
}

const CIRCUIT_STATES = { clean: "ready", used: "used before", retired: "ending" } as const;

function circuit({ number, confluxSet, relays, state, streams, ageSeconds }: Circuit): Markup {
  const set = confluxSet === null ? NOTHING : markup`, Conflux set ${confluxSet}`;
  const use = streams === 0 ? CIRCUIT_STATES[state] : plural(streams, "stream");
  const steps = relays.map((relay, index) =>
    markup`<span class="step">${index === 0 ? NOTHING : ARROW}${hop(relay)}</span>`
  );
  return markup`
  <li class="row">
    <span class="hops"><small class="number">${number}</small>${steps}</span>
    <span class="dim">${use}, ${describeSeconds(ageSeconds)} old${set}</span>
  </li>`;
}

const ARROW = markup`<span class="arrow" aria-label="to">→</span>`;

function hop({ nickname, fingerprint, country }: Relay): Markup {
  const where = country === null ? NOTHING : markup`<small>${country.toUpperCase()}</small>`;
  return markup`<span class="hop" title="$${fingerprint}">${nickname}${where}</span>`;
}

function guards({ guards, guardChange, time }: StatusReport): Markup {
  const change = guardChange === null ? NOTHING : markup`
  <p class="dim">The primary guards changed ${describeAgo(guardChange.time, time)}:
    ${guardChange.reason}.</p>`;
  return markup`
<section>
  <h2>Guards</h2>
  ${list(guards.map((each) => guard(each, time)), "None is chosen yet.")}
  ${change}
</section>`;
}

const GUARD_TONES = { reachable: "good", unreachable: "bad", untried: "dim" } as const;

function guard(guard: Guard, now: string): Markup {
  const { state, primary, confirmed, filtered, disabled } = guard;
  const facts = [
    ...(primary ? ["primary"] : []),
    ...(confirmed ? ["used before"] : []),
    ...(filtered ? [] : ["not allowed or not listed"]),
    ...(disabled ? ["given up: too many circuits fail"] : []),
  ];
  return markup`
  <li>
    <div class="row">
      <span>${hop(guard)} <span class="${GUARD_TONES[state]}">${state}</span></span>
      <span class="dim">${facts.join(", ")}</span>
    </div>
    <small>${history(guard, now)}</small>
  </li>`;
}

/** What happened to a guard since the start. */
function history({ successes, failures, lastSuccess, lastFailure }: Guard, now: string): string {
  const worked = successes === 0
    ? []
    : [`worked ${plural(successes, "time")}, last ${describeAgo(lastSuccess, now)}`];
  const failed = failures === 0
    ? []
    : [`failed ${plural(failures, "time")}, last ${describeAgo(lastFailure, now)}`];
  return [...worked, ...failed].join("; ") || "not used since the start";
}

function network(status: StatusReport): Markup {
  const { directoryTraffic, streams, channelCounts } = status;
  return markup`
<section>
  <h2>Network</h2>
  <ul>
    <li>${consensus(status)}</li>
    <li>Directory: ${plural(directoryTraffic.requests, "request")},
      ${describeBytes(directoryTraffic.read)} read</li>
    <li>Requests: ${streams.opened} opened, ${streams.resolved} looked up, ${streams.abandoned}
      given up${counts(", failed: ", streams.failures)}</li>
    <li>Connections: ${channelCounts.attempts} begun${
    counts(", failed: ", channelCounts.failures)
  }${counts(", refused: ", channelCounts.refusals)}</li>
  </ul>
</section>`;
}

function consensus({ directory, time }: StatusReport): Markup {
  if (directory === null) return markup`No consensus yet`;
  const { validAfter, fresh, nextFetch } = directory;
  const next = nextFetch === null
    ? "a newer one is being fetched"
    : `the next is fetched in ${
      describeSeconds((Date.parse(nextFetch) - Date.parse(time)) / 1000)
    }`;
  const state = fresh
    ? markup`<span class="good">valid</span>`
    : markup`<span class="bad">not valid now</span>`;
  return markup`Consensus of ${validAfter.slice(0, 16).replace("T", " ")} UTC, ${state}; ${next}`;
}

/** Those that are not 0; nothing if all are. */
function counts(before: string, numbers: Readonly<Record<string, number>>): string {
  const some = Object.entries(numbers).filter(([, value]) => value > 0)
    .map(([name, value]) => `${name} ${value}×`);
  return some.length === 0 ? "" : before + some.join(", ");
}

function warnings({ warnings, time }: StatusReport): Markup {
  const { lines, total, hidden } = warnings;
  const items = lines.toReversed().map(({ time: then, level, category, message }) =>
    markup`
  <li>
    <small>${describeAgo(then, time)}, ${category}</small><br>
    <span class="${level === "err" ? "bad" : "warn"}">${level}</span> ${message}
  </li>`
  );
  const none = hidden
    ? "They are not shown while SafeLogging is 0: destinations would be among them."
    : "There were none.";
  return markup`
<section class="wide">
  <h2>Warnings${total === 0 ? "" : ` (${total})`}</h2>
  ${list(items, none)}
</section>`;
}

function list(items: readonly Markup[], none: string): Markup {
  return items.length === 0 ? markup`<p class="dim">${none}</p>` : markup`<ul>${items}</ul>`;
}

function plural(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? "" : "s"}`;
}

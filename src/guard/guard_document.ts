/**
 * The guards on disk: `guard_state.json` in the data directory. Dates are ISO 8601 in UTC; those of
 * a guard are randomised into the past or cut to the day, so that they do not tell when the client
 * met it.
 *
 * @module
 */
import * as v from "valibot";
import { parseRsaIdentity } from "../crypto/identity.ts";
import { DATA_FILES } from "../state/data_files.ts";
import { SELECTION_NAMES } from "./guard_filter.ts";
import { NO_COUNTS, type PathBiasCounts } from "./path_bias.ts";
import type { SampledGuardFacts } from "./sampled_guard.ts";

const { name: NAME, version: VERSION } = DATA_FILES.guardState;

const date = v.pipe(
  v.string(),
  v.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
  v.check((text) => !Number.isNaN(Date.parse(text))),
);

const count = v.pipe(v.number(), v.minValue(0), v.maxValue(1e9));

const storedPathBias = v.object({
  circ_attempts: count,
  circ_successes: count,
  successful_circuits_closed: count,
  collapsed_circuits: count,
  unusable_circuits: count,
  timeouts: count,
  use_attempts: count,
  use_successes: count,
});

const storedGuard = v.pipe(
  v.object({
    /** The sample that it belongs to; files of before there were two have none. */
    selection: v.optional(v.picklist(SELECTION_NAMES), "default"),
    /** RSA identity: 40 upper-case hexadecimal digits. */
    fingerprint: v.pipe(v.string(), v.regex(/^[0-9A-F]{40}$/)),
    nickname: v.pipe(v.string(), v.maxLength(19)),
    /** IP address and port, for people to read; empty until it is listed. */
    address: v.pipe(v.string(), v.maxLength(60)),
    /** When a circuit through it was first used: the same date as `confirmed_on`. */
    first_used: v.nullable(date),
    /** The day on which it last worked. */
    last_used: v.nullable(date),
    confirmed: v.boolean(),
    confirmed_on: v.nullable(date),
    /** The place among the confirmed guards, from 0. */
    confirmed_idx: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0))),
    sampled_on: date,
    /** Whether the newest consensus lists it as a guard. */
    listed: v.boolean(),
    unlisted_since: v.nullable(date),
    /** How its circuits fared; `null` when there were none. */
    path_bias: v.optional(v.nullable(storedPathBias), null),
  }),
  v.check((guard) =>
    guard.confirmed === (guard.confirmed_on !== null) &&
    guard.confirmed === (guard.confirmed_idx !== null), "a confirmed guard with date and place"),
  v.check((guard) => guard.listed === (guard.unlisted_since === null), "a date if unlisted"),
);

const nameInFile = (guard: v.InferOutput<typeof storedGuard>) =>
  `${guard.selection} ${guard.fingerprint}`;

/** Checks the parsed file. */
export const guardDocumentSchema = v.object({
  version: v.literal(VERSION),
  /** The samples, each in the order in which it was sampled. */
  guards: v.pipe(
    v.array(storedGuard),
    v.check(
      (guards) => new Set(guards.map(nameInFile)).size === guards.length,
      "each guard once in a selection",
    ),
  ),
  last_updated: v.nullable(date),
});

/** The contents of `guard_state.json`. */
export type GuardDocument = v.InferOutput<typeof guardDocumentSchema>;

/** How the file is kept. */
export const GUARD_DOCUMENT = {
  name: NAME,
  version: VERSION,
  schema: guardDocumentSchema,
  initial: (): GuardDocument => ({ version: VERSION, guards: [], last_updated: null }),
} as const;

/** The samples as a document that was changed at the time `now`. */
export function encodeGuards(guards: readonly SampledGuardFacts[], now: number): GuardDocument {
  return {
    version: VERSION,
    guards: guards.map((guard) => ({
      selection: guard.selection,
      fingerprint: guard.rsaIdentity,
      nickname: guard.nickname,
      address: guard.address,
      first_used: formatDate(guard.confirmed?.on),
      last_used: formatDate(guard.lastUsed),
      confirmed: guard.confirmed !== undefined,
      confirmed_on: formatDate(guard.confirmed?.on),
      confirmed_idx: guard.confirmed?.index ?? null,
      sampled_on: formatKnownDate(guard.sampledOn),
      listed: guard.unlistedSince === undefined,
      unlisted_since: formatDate(guard.unlistedSince),
      path_bias: encodePathBias(guard.pathBias),
    })),
    last_updated: formatKnownDate(now),
  };
}

/** The guards of a checked document. */
export function decodeGuards(document: GuardDocument): SampledGuardFacts[] {
  return document.guards.flatMap((guard) => {
    const rsaIdentity = parseRsaIdentity(guard.fingerprint);
    if (rsaIdentity === undefined) return [];
    const { confirmed_on: on, confirmed_idx: index } = guard;
    return {
      selection: guard.selection,
      rsaIdentity,
      nickname: guard.nickname,
      address: guard.address,
      sampledOn: Date.parse(guard.sampled_on),
      unlistedSince: parseDate(guard.unlisted_since),
      confirmed: on === null || index === null ? undefined : { on: Date.parse(on), index },
      lastUsed: parseDate(guard.last_used),
      pathBias: decodePathBias(guard.path_bias),
    };
  });
}

type StoredPathBias = v.InferOutput<typeof storedPathBias>;

function encodePathBias(counts: PathBiasCounts): StoredPathBias | null {
  if (Object.values(counts).every((value) => value === 0)) return null;
  return {
    circ_attempts: rounded(counts.circAttempts),
    circ_successes: rounded(counts.circSuccesses),
    successful_circuits_closed: rounded(counts.successfulCircuitsClosed),
    collapsed_circuits: rounded(counts.collapsedCircuits),
    unusable_circuits: rounded(counts.unusableCircuits),
    timeouts: rounded(counts.timeouts),
    use_attempts: rounded(counts.useAttempts),
    use_successes: rounded(counts.useSuccesses),
  };
}

function decodePathBias(stored: StoredPathBias | null): PathBiasCounts {
  if (stored === null) return NO_COUNTS;
  return {
    circAttempts: stored.circ_attempts,
    circSuccesses: stored.circ_successes,
    successfulCircuitsClosed: stored.successful_circuits_closed,
    collapsedCircuits: stored.collapsed_circuits,
    unusableCircuits: stored.unusable_circuits,
    timeouts: stored.timeouts,
    useAttempts: stored.use_attempts,
    useSuccesses: stored.use_successes,
  };
}

/** To six digits, as in C tor's file. */
function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

function parseDate(text: string | null): number | undefined {
  return text === null ? undefined : Date.parse(text);
}

function formatDate(time: number | undefined): string | null {
  return time === undefined ? null : formatKnownDate(time);
}

function formatKnownDate(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, "Z");
}

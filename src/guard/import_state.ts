/**
 * The guards of C tor's `state` file, so that a user who moves to chive keeps them: changing guards is
 * what guards are there to avoid.
 *
 * Each is a line `Guard KEY=VALUE KEY=VALUE ...` (guard-spec A.5; C tor: entry_guard_encode_for_state):
 *
 * | key                           | value                                                     |
 * | ----------------------------- | --------------------------------------------------------- |
 * | `in`                          | the sample: `default`, `restricted` or `bridges`          |
 * | `rsa_id`                      | 40 hexadecimal digits                                     |
 * | `nickname`                    | 1 to 19 letters and digits                                |
 * | `sampled_on`, `confirmed_on`, `unlisted_since` | `YYYY-MM-DDTHH:MM:SS`, UTC               |
 * | `sampled_idx`, `confirmed_idx` | places in the order of sampling and of confirmation, from 0 |
 * | `listed`                      | `0`, or anything else for yes                             |
 * | `pb_use_attempts`, ...        | path-bias counts, decimal                                 |
 *
 * Other keys are passed over, and so is a key that comes again. There are no addresses: they are
 * filled in from the consensus.
 *
 * @module
 */
import { parseRsaIdentity, type RsaIdentity } from "../crypto/identity.ts";
import type { Clock } from "../runtime/clock.ts";
import type { DataDirectory } from "../state/data_directory.ts";
import { JsonDocument } from "../state/json_document.ts";
import { GuardError } from "./errors.ts";
import { encodeGuards, GUARD_DOCUMENT } from "./guard_document.ts";
import { SELECTION_NAMES, type SelectionName } from "./guard_filter.ts";
import type { PathBiasCounts } from "./path_bias.ts";
import { startOfDay } from "./random_date.ts";
import type { SampledGuardFacts } from "./sampled_guard.ts";

/** Lines that are longer than this many characters are not understood: C tor's have about 500. */
const MAX_LINE = 4096;

/** More guards than this are not understood: a sample has 60 by default. */
const MAX_GUARDS = 1000;

const MAX_INDEX = 2 ** 31 - 1;
const LAST = MAX_INDEX + 1;
const MAX_COUNT = 1e9;

/** A guard as the file has it; dates are milliseconds since 1970. */
export interface ImportedGuard {
  readonly selection: SelectionName;
  readonly rsaIdentity: RsaIdentity;
  /** Empty where the file has none. */
  readonly nickname: string;
  readonly sampledOn: number | undefined;
  /** The place in the order of sampling; `undefined` puts it at the end. */
  readonly sampledIndex: number | undefined;
  readonly unlistedSince: number | undefined;
  readonly confirmed: { readonly on: number; readonly index: number } | undefined;
  readonly pathBias: PathBiasCounts;
}

/** What a `state` file says of guards. */
export interface TorState {
  readonly guards: readonly ImportedGuard[];
  /** Lines about bridges, which chive does not use. */
  readonly bridges: number;
  /** Guard lines that were not understood. */
  readonly ignored: number;
}

/** How many guards were imported. */
export interface ImportResult {
  readonly imported: number;
  readonly confirmed: number;
}

/** Reads the text of a `state` file. It never throws: what it does not understand, it counts. */
export function parseTorState(text: string): TorState {
  const guards = new Map<string, ImportedGuard>();
  let bridges = 0;
  let ignored = 0;
  for (const [, value] of text.matchAll(/^[ \t]*Guard[ \t]+([^\r\n]*)/gim)) {
    const fields = value.length <= MAX_LINE ? fieldsOf(value) : undefined;
    if (fields?.get("in") === "bridges") {
      bridges++;
      continue;
    }
    const guard = fields && guardOf(fields);
    const name = guard && `${guard.selection} ${guard.rsaIdentity}`;
    if (
      guard === undefined || name === undefined || guards.has(name) || guards.size >= MAX_GUARDS
    ) {
      ignored++;
    } else {
      guards.set(name, guard);
    }
  }
  return { guards: [...guards.values()], bridges, ignored };
}

/**
 * Makes these the guards of the data directory, in place of those that are there.
 *
 * @param options whether guards that were used are replaced; if not, they are in the way
 * @throws GuardError `guards-already-confirmed`, `no-guards-to-import`; StateError as
 * {@link JsonDocument.load} and {@link JsonDocument.flush}
 */
export async function importGuards(
  data: DataDirectory,
  clock: Clock,
  guards: readonly ImportedGuard[],
  options: { readonly replace: boolean },
): Promise<ImportResult> {
  if (guards.length === 0) {
    throw new GuardError("no-guards-to-import", "the file names no guards");
  }
  const document = await JsonDocument.load(data, clock, GUARD_DOCUMENT);
  const used = document.value.guards.filter(({ confirmed }) => confirmed).length;
  if (used > 0 && !options.replace) {
    throw new GuardError(
      "guards-already-confirmed",
      `the data directory has ${used} guards that were used`,
    );
  }
  const now = clock.now();
  const facts = inOrder(guards).map((guard) => factsOf(guard, now));
  document.set(encodeGuards(facts, now));
  await document.flush();
  const confirmed = facts.filter((guard) => guard.confirmed !== undefined).length;
  return { imported: facts.length, confirmed };
}

/** The first value of each key. */
function fieldsOf(line: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const entry of line.split(/[ \t]+/)) {
    const equals = entry.indexOf("=");
    const key = entry.slice(0, equals);
    if (equals > 0 && !fields.has(key)) fields.set(key, entry.slice(equals + 1));
  }
  return fields;
}

function guardOf(fields: ReadonlyMap<string, string>): ImportedGuard | undefined {
  const selection = SELECTION_NAMES.find((name) => name === fields.get("in"));
  const rsaIdentity = parseRsaIdentity(fields.get("rsa_id") ?? "");
  if (selection === undefined || rsaIdentity === undefined) return undefined;
  const nickname = fields.get("nickname") ?? "";
  const on = parseDate(fields.get("confirmed_on"));
  const index = parseIndex(fields.get("confirmed_idx"));
  const isListed = fields.has("listed") && fields.get("listed") !== "0";
  return {
    selection,
    rsaIdentity,
    nickname: /^[A-Za-z0-9]{1,19}$/.test(nickname) ? nickname : "",
    sampledOn: parseDate(fields.get("sampled_on")),
    // Files of before there was a place in the sample order have only that of confirmation.
    sampledIndex: parseIndex(fields.get("sampled_idx") ?? fields.get("confirmed_idx")),
    unlistedSince: isListed ? undefined : parseDate(fields.get("unlisted_since")),
    confirmed: on === undefined || index === undefined ? undefined : { on, index },
    pathBias: pathBiasOf(fields),
  };
}

function pathBiasOf(fields: ReadonlyMap<string, string>): PathBiasCounts {
  const count = (name: string) => parseCount(fields.get(`pb_${name}`));
  return {
    circAttempts: count("circ_attempts"),
    circSuccesses: count("circ_successes"),
    successfulCircuitsClosed: count("successful_circuits_closed"),
    collapsedCircuits: count("collapsed_circuits"),
    unusableCircuits: count("unusable_circuits"),
    timeouts: count("timeouts"),
    useAttempts: count("use_attempts"),
    useSuccesses: count("use_successes"),
  };
}

function parseDate(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(text)) return undefined;
  const date = Date.parse(`${text}Z`);
  // Date.parse takes the 31st of each month for a date.
  if (Number.isNaN(date) || new Date(date).toISOString().slice(0, 19) !== text) return undefined;
  return date > 0 ? date : undefined;
}

function parseIndex(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  const index = Number(text);
  return index <= MAX_INDEX ? index : undefined;
}

function parseCount(text: string | undefined): number {
  if (text === undefined || !/^\d{1,10}(\.\d{1,20})?$/.test(text)) return 0;
  const count = Number(text);
  return count <= MAX_COUNT ? count : 0;
}

/** In the order of sampling, in which the lines need not stand; one selection after the other. */
function inOrder(guards: readonly ImportedGuard[]): readonly ImportedGuard[] {
  return SELECTION_NAMES.flatMap((name) =>
    guards.filter(({ selection }) => selection === name)
      .toSorted((a, b) => (a.sampledIndex ?? LAST) - (b.sampledIndex ?? LAST))
  );
}

function factsOf(guard: ImportedGuard, now: number): SampledGuardFacts {
  const { sampledIndex: _place, sampledOn, unlistedSince, confirmed, ...rest } = guard;
  const past = (date: number) => Math.min(date, now);
  return {
    ...rest,
    address: "",
    sampledOn: past(sampledOn ?? startOfDay(now)),
    unlistedSince: unlistedSince && past(unlistedSince),
    confirmed: confirmed && { on: past(confirmed.on), index: confirmed.index },
    lastUsed: undefined,
  };
}

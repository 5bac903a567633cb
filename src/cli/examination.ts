/**
 * What the doctor looks at of this process and this machine, each by itself.
 *
 * @module
 */
import { checkTlsLaunch } from "../channel/tls.ts";
import { clockSkewAdvice, describeDuration, describeTime } from "../directory/consensus_times.ts";
import { describeError, TorError } from "../errors/tor_error.ts";
import { RELEASED } from "../netdoc/client_protocols.ts";
import {
  dataDirectoryAdvice,
  grantAdvice,
  readFlag,
  writeFlag,
} from "../runtime/permission_flags.ts";
import { DataDirectory } from "../state/data_directory.ts";

/** One thing that was looked at. */
export interface Finding {
  /** A note is worth knowing, and keeps nothing from working. */
  readonly kind: "ok" | "note" | "problem";
  /** What it is about and how it is, as a sentence. */
  readonly what: string;
  /** What to do about it. */
  readonly advice?: string;
}

/** The beginning of a consensus, which has its times, in bytes. */
const CONSENSUS_HEAD = 4096;

/** Whether Deno was started as it must be. */
export async function examineLaunch(dataDirectory: string): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  try {
    await checkTlsLaunch();
    findings.push({ kind: "ok", what: "Deno checks the TLS of relays as it must." });
  } catch (error) {
    findings.push(problem("The TLS of relays cannot be checked", error));
  }
  const wanted: readonly [Deno.PermissionDescriptor, string][] = [
    [{ name: "net" }, "--allow-net"],
    [{ name: "read", path: dataDirectory }, readFlag(dataDirectory)],
    [{ name: "write", path: dataDirectory }, writeFlag(dataDirectory)],
  ];
  const missing = wanted.filter(([permission]) => !isGranted(permission)).map(([, flag]) => flag);
  const advice = missing.includes("--allow-net")
    ? grantAdvice(missing)
    : dataDirectoryAdvice(dataDirectory);
  findings.push(
    missing.length === 0 ? { kind: "ok", what: "Deno has the permissions that are needed." } : {
      kind: "problem",
      what: "Deno was started without permissions that are needed.",
      advice: `${advice.replace(/^./, (first) => first.toUpperCase())}.`,
    },
  );
  const needless = (["run", "ffi", "env"] as const).filter((name) => isGranted({ name }));
  if (needless.length > 0) {
    findings.push({
      kind: "note",
      what: `Deno has permissions that are not needed: ${needless.join(", ")}.`,
      advice: "Give it those that 'deno task start' does, and not --allow-all.",
    });
  }
  return findings;
}

/** Whether Deno has the permission, without asking for it. */
export function isGranted(permission: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(permission).state === "granted";
}

/** The data directory, and whether a client uses it now. */
export async function examineDataDirectory(
  path: string,
): Promise<{ readonly findings: readonly Finding[]; readonly inUse: boolean }> {
  const findings: Finding[] = [];
  try {
    const { isDirectory, mode } = await Deno.stat(path);
    if (isDirectory && mode !== null && (mode & 0o077) !== 0) {
      findings.push({
        kind: "note",
        what: `Others may look into the data directory ${path}: the next start takes that away.`,
      });
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      const what = `The data directory ${path} is not there yet: the first start creates it.`;
      return { findings: [{ kind: "ok", what }], inUse: false };
    }
  }
  try {
    using _data = await DataDirectory.open(path);
    findings.push({ kind: "ok", what: `The data directory ${path} can be used.` });
  } catch (error) {
    if (error instanceof TorError && error.code === "data-directory-locked") {
      findings.push({
        kind: "ok",
        what: `A client that runs now uses the data directory ${path}.`,
      });
      return { findings, inUse: true };
    }
    findings.push(problem("The data directory", error));
    return { findings, inUse: false };
  }
  for await (const { name } of Deno.readDir(path)) {
    if (!name.includes(".corrupt-")) continue;
    findings.push({
      kind: "note",
      what: `${path}/${name} made no sense and was put aside; chive began anew without it.`,
      advice: "If the disk is in order, remove it.",
    });
  }
  return { findings, inUse: false };
}

/** The clock, by the release of this version and the consensus of the last run. */
export async function examineClock(dataDirectory: string, now: number): Promise<Finding> {
  const advice = "Set this machine's date, time and time zone; best by NTP.";
  if (now < RELEASED) {
    const what = `The clock says ${describeTime(now)}, which is before this version was released.`;
    return { kind: "problem", what, advice };
  }
  const times = await consensusTimes(`${dataDirectory}/cached-microdesc-consensus`);
  if (times === undefined) {
    const what = `The clock says ${describeTime(now)}; there is no consensus to compare it with.`;
    return { kind: "ok", what };
  }
  const skew = clockSkewAdvice(times, now);
  if (skew !== undefined) return { kind: "problem", what: skew, advice };
  if (now <= times.validUntil) {
    return { kind: "ok", what: `The clock says ${describeTime(now)}, as the consensus does.` };
  }
  const age = describeDuration(now - times.validUntil);
  return {
    kind: "note",
    what: `The clock says ${describeTime(now)}; the consensus of the last run ended ${age} before.`,
    advice: "If chive ran more recently than that, the clock is ahead: set it.",
  };
}

async function consensusTimes(path: string) {
  let head: string;
  try {
    using file = await Deno.open(path);
    const buffer = new Uint8Array(CONSENSUS_HEAD);
    head = new TextDecoder().decode(buffer.subarray(0, await file.read(buffer) ?? 0));
  } catch {
    // Whether it can be read is found out above.
    return undefined;
  }
  const [validAfter, freshUntil, validUntil] = ["valid-after", "fresh-until", "valid-until"].map(
    (keyword) => {
      const match = new RegExp(`^${keyword} (\\S{10}) (\\S{8})$`, "m").exec(head);
      return match === null ? NaN : Date.parse(`${match[1]}T${match[2]}Z`);
    },
  );
  if (![validAfter, freshUntil, validUntil].every(Number.isFinite)) return undefined;
  return { validAfter, freshUntil, validUntil };
}

/** What was found where something failed. */
export function problem(about: string, error: unknown): Finding {
  if (!(error instanceof TorError)) {
    return { kind: "problem", what: `${about}: ${describeError(error)}.` };
  }
  const what = `${about}: ${error.message}.`;
  return error.advice === undefined
    ? { kind: "problem", what }
    : { kind: "problem", what, advice: error.advice };
}

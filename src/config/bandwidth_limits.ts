/**
 * How much may be sent and received.
 *
 * @module
 */
import type { BandwidthOptions } from "./config.ts";
import type { OptionOfKind } from "./options.ts";
import type { Settings } from "./settings.ts";

/** C tor's default, in bytes per second: as much as no limit, and as cheap here. */
const UNLIMITED = 2 ** 30;
/** The most that C tor takes, in bytes. */
const MOST = 2 ** 31;
/** A cell must be able to go, in bytes. */
const LEAST = 1024;

/**
 * Reads BandwidthRate and BandwidthBurst.
 *
 * @returns undefined where there is no limit
 * @throws ConfigError for a burst that is less than the rate, and for amounts that make no sense
 */
export function readBandwidth(settings: Settings): BandwidthOptions | undefined {
  const rate = readAmount("BandwidthRate", settings);
  const burst = readAmount("BandwidthBurst", settings);
  if (rate > burst) {
    const name = settings.has("BandwidthBurst") ? "BandwidthBurst" : "BandwidthRate";
    throw settings.conflict(name, "is wrong: BandwidthBurst must not be less than BandwidthRate.");
  }
  return rate >= UNLIMITED ? undefined : { rate, burst };
}

function readAmount(name: OptionOfKind<"memory">, settings: Settings): number {
  const amount = settings.memory(name);
  if (amount > MOST) throw settings.refusal(name, "must be at most 2 GB.");
  if (amount < LEAST) throw settings.refusal(name, "must be at least 1 KB.");
  return amount;
}

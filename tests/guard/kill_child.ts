/**
 * A process that is to be killed: opens the data directory that is its argument, loads the guards,
 * writes the identities of the primary guards as one line, and then changes and saves state until
 * it is killed.
 */
import type { RsaIdentity } from "../../src/crypto/identity.ts";
import { GuardSample } from "../../src/guard/guard_sample.ts";
import { SystemClock } from "../../src/runtime/clock.ts";
import { SystemRandom } from "../../src/runtime/random.ts";
import { DataDirectory } from "../../src/state/data_directory.ts";
import { testNetDir } from "../path/test_network.ts";

const [folder] = Deno.args;
using directory = await DataDirectory.open(folder);
const clock = new SystemClock();
const guards = await GuardSample.load(directory, { clock, random: new SystemRandom() }, {
  useEntryGuards: true,
  numEntryGuards: undefined,
  numDirectoryGuards: undefined,
  numPrimaryGuards: undefined,
  guardLifetime: undefined,
  extendAllowPrivateAddresses: false,
});
const relays = Array.from({ length: 300 }, (_, index) => ({ number: index + 1 }));
guards.update(testNetDir({ relays, validAfter: clock.now() }));
// A guard that no circuit was built through may be forgotten by a kill, but not these.
await guards.flush();
const primary = guards.primaryGuards().map(({ rsaIdentity }) => rsaIdentity);
console.log(JSON.stringify(primary));

for (;;) {
  const others = new Set<RsaIdentity>();
  for (const identity of primary) {
    const choice = guards.selectForTraffic(({ rsaIdentity }) => others.has(rsaIdentity));
    if (choice === undefined) throw new Error("there is no guard");
    choice.pathBias.noteBuildAttempt();
    choice.pathBias.noteBuildSuccess();
    guards.noteSuccess(choice);
    choice.pathBias.noteUseSuccess();
    guards.noteClosed(choice);
    others.add(identity);
    await guards.flush();
  }
}

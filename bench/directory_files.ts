/**
 * A network's documents as files, for the processes that are measured: a data directory, and what
 * servers would serve.
 *
 * | file           | contents                                                      |
 * | -------------- | ------------------------------------------------------------- |
 * | `data/`        | a client's data directory with a fresh cache                  |
 * | `certificates` | of all authorities                                            |
 * | `consensus`    | that of the cache                                             |
 * | `next`         | the one of an hour later                                      |
 * | `diff`         | from the one to the other                                     |
 * | `new`          | the microdescriptors that only the next one lists             |
 * | `facts.json`   | {@link BenchFacts}                                            |
 *
 * @module
 */
import { DirectoryCache } from "../src/directory/cache.ts";
import { microdescriptorDigestBytes } from "../src/netdoc/microdescriptor_digest.ts";
import { SystemClock } from "../src/runtime/clock.ts";
import { DataDirectory } from "../src/state/data_directory.ts";
import { writeConsensusDiff } from "../testnet/consensus_diff_writer.ts";
import { encode } from "../testnet/document_writer.ts";
import { byDigest } from "../tests/directory/many_microdescriptors.ts";
import type { BenchDocuments } from "./directory_network.ts";

/** What the files do not say of themselves. */
export interface BenchFacts {
  /** When the consensus became valid; ms since 1970. */
  readonly validAfter: number;
  /** Whom the client is to believe. */
  readonly v3Identities: readonly string[];
}

/** The cache's file of the consensus. */
export const CACHED_CONSENSUS = "cached-microdesc-consensus";

/** Writes the files of a network into an empty folder. */
export async function writeFiles(
  folder: string,
  documents: BenchDocuments,
  certificates: ReadonlyMap<string, string>,
): Promise<void> {
  const { consensus, next, validAfter } = documents;
  const certificateTexts = encode([...certificates.values()].join(""));
  const facts: BenchFacts = { validAfter, v3Identities: [...certificates.keys()] };
  await Promise.all([
    Deno.writeFile(`${folder}/certificates`, certificateTexts),
    Deno.writeFile(`${folder}/consensus`, consensus),
    Deno.writeFile(`${folder}/next`, next),
    Deno.writeFile(`${folder}/diff`, writeConsensusDiff(consensus, next)),
    Deno.writeTextFile(`${folder}/new`, documents.newMicrodescriptors.join("")),
    Deno.writeTextFile(`${folder}/facts.json`, JSON.stringify(facts)),
  ]);
  using data = await DataDirectory.open(`${folder}/data`);
  const cache = new DirectoryCache(data, new SystemClock());
  await cache.writeCertificates(certificateTexts);
  await cache.writeConsensus(consensus);
  const texts = byDigest(documents.microdescriptors);
  await cache.appendMicrodescriptors(texts, validAfter);
  await cache.noteListed(texts.keys().map(microdescriptorDigestBytes), validAfter);
  await cache.compactMicrodescriptors();
}

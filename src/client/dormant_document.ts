/**
 * Dormancy on disk: `dormant_state.json` in the data directory.
 *
 * | member                        | meaning                                                    |
 * | ----------------------------- | ---------------------------------------------------------- |
 * | `version`                     | 1                                                          |
 * | `dormant`                     | whether the client was dormant; null: it has never run     |
 * | `minutes_since_user_activity` | whole minutes; 0 when dormant                              |
 *
 * No date is kept: the time in which the client does not run does not count.
 *
 * @module
 */
import * as v from "valibot";
import { DATA_FILES } from "../state/data_files.ts";

const { name: NAME, version: VERSION } = DATA_FILES.dormantState;

/** Checks the parsed file. */
export const dormantDocumentSchema = v.object({
  version: v.literal(VERSION),
  dormant: v.nullable(v.boolean()),
  minutes_since_user_activity: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
});

/** The contents of `dormant_state.json` (C tor: Dormant, MinutesSinceUserActivity). */
export type DormantDocument = v.InferOutput<typeof dormantDocumentSchema>;

/** How the file is kept. */
export const DORMANT_DOCUMENT = {
  name: NAME,
  version: VERSION,
  schema: dormantDocumentSchema,
  initial: (): DormantDocument => ({
    version: VERSION,
    dormant: null,
    minutes_since_user_activity: 0,
  }),
} as const;

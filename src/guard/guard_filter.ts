/**
 * Which guards the configuration allows, apart from what the consensus says of them.
 *
 * @module
 */
import type { NetDir } from "../netdir/net_dir.ts";
import type { RouterStatus } from "../netdoc/consensus.ts";

/** The configuration's word on guards, for one network (guard-spec 4.2). */
export interface GuardFilter {
  /**
   * Whether the client may connect to the relay at all: it is not one of ExcludeNodes, and has an
   * address that can be used.
   */
  isAllowed(router: RouterStatus): boolean;
  /** Whether the relay is one of EntryNodes; `undefined` when that is not set. */
  readonly isEntryNode: ((router: RouterStatus) => boolean) | undefined;
}

/** Makes the filter for a network; asked again for each, because what names mean may change. */
export type GuardFilterMaker = (netDir: NetDir) => GuardFilter;

/** The filter where nothing is configured. */
export const EVERY_GUARD: GuardFilter = { isAllowed: () => true, isEntryNode: undefined };

/**
 * The two samples that a client without bridges has (guard-spec 2): "restricted" is used when the
 * filter leaves only a small part of the possible guards, so that what the configuration forces does
 * not spoil the sample that is used without it.
 */
export const SELECTION_NAMES = ["default", "restricted"] as const;

/** The name of a sample, as in C tor's state file. */
export type SelectionName = typeof SELECTION_NAMES[number];

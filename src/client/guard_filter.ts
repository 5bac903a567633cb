/**
 * Which relays may be guards of this client.
 *
 * @module
 */
import type { Config } from "../config/config.ts";
import type { GuardFilterMaker } from "../guard/guard_filter.ts";
import { orAddress } from "../netdir/or_address.ts";
import type { PathOptions } from "../path/path_rules.ts";

/** Those that are not excluded, have an address that may be used, and are of EntryNodes. */
export function guardFilter(
  { connections }: Pick<Config, "connections">,
  { nodes }: Pick<PathOptions, "nodes">,
): GuardFilterMaker {
  const filter = {
    isAllowed: (router: Parameters<typeof nodes.isExcluded>[0]) =>
      !nodes.isExcluded(router) && orAddress(router, connections) !== undefined,
    isEntryNode: nodes.choosesEntries ? nodes.isEntryNode.bind(nodes) : undefined,
  };
  return () => filter;
}

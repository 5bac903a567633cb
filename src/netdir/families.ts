/**
 * Relays that are run by the same people, and so must not share a circuit (path-spec, "Path
 * selection and constraints").
 *
 * @module
 */
import type { Relay } from "./relay.ts";

/** Which claims of relays to belong together are believed, as consensus parameters say. */
export interface FamilyRules {
  /** Those that each makes of the other in its "family" list (use-family-lists, 1 by default). */
  readonly useFamilyLists: boolean;
  /** A shared "family-ids" entry, which a key of the family signed (use-family-ids, 1 by default). */
  readonly useFamilyIds: boolean;
}

/** What of a relay says which family it belongs to. */
export type FamilyMember = Pick<Relay, "nickname" | "rsaIdentity" | "family" | "familyIds">;

/** Whether two relays are of one family. A relay is not its own family unless it says so. */
export function inSameFamily(a: FamilyMember, b: FamilyMember, rules: FamilyRules): boolean {
  return (rules.useFamilyLists && names(a, b) && names(b, a)) ||
    (rules.useFamilyIds && a.familyIds.some((id) => b.familyIds.includes(id)));
}

/** Whether the family list of `a` names `b`, by its identity or its nickname. */
function names(a: FamilyMember, b: FamilyMember): boolean {
  const { family } = a;
  return family.length > 0 &&
    (family.includes(b.rsaIdentity) || family.includes(b.nickname.toLowerCase()));
}

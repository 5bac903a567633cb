/**
 * How a user names relays in the options that choose them.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";

/**
 * One member of a list of relays:
 *
 * | written                                  | kind         |
 * | ---------------------------------------- | ------------ |
 * | `$HEX`, `HEX`, `$HEX=Name`, `$HEX~Name`   | `identity`   |
 * | `Name`                                   | `nickname`   |
 * | `192.0.2.0/24`, `[2001:db8::]/32`, `...:PORT` | `addresses` |
 * | `{de}`, `{??}`                           | `country`    |
 */
export type NodePattern =
  | { readonly kind: "identity"; readonly rsaIdentity: RsaIdentity }
  /** In lower case. */
  | { readonly kind: "nickname"; readonly nickname: string }
  | {
    readonly kind: "addresses";
    /** An IP address, without brackets; the bits after `prefixLength` are zero. */
    readonly network: string;
    /** 0 to 32, or 0 to 128 for IPv6. */
    readonly prefixLength: number;
    /** The OR ports that it is about, both inclusive. */
    readonly ports: { readonly first: number; readonly last: number };
  }
  /** Two lower-case letters or digits; `??` for a relay whose country is not known. */
  | { readonly kind: "country"; readonly code: string };

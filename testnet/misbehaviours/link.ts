/**
 * Relays that misbehave in the link handshake.
 *
 * @module
 */
import { CellCommand } from "../../src/cell/command.ts";
import { decodeCerts, encodeVersionsCell } from "../../src/cell/link.ts";
import type { LinkCells, Misbehaviour } from "../behaviour.ts";
import {
  ed25519Key,
  ed25519Public,
  type RelayCertsParts,
  relayCertsParts,
  type RelayKeys,
} from "../certificates.ts";
import {
  encodeCertsCell,
  encodeFixedCell,
  encodeRelayNetinfoCell,
  encodeVariableCell,
} from "../link_cells.ts";
import { fixedRsaKey, rsaKeyCount } from "../rsa_keys.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Keys of nobody in the network. */
const STRANGER: RelayKeys = {
  rsaIdentity: fixedRsaKey(rsaKeyCount() - 1),
  ed25519Identity: ed25519Key(101),
  signing: ed25519Key(102),
};

/** The certificates of a CERTS cell that may be wrong. */
export type CertsPart = keyof RelayCertsParts;

/** No version that a client of today speaks. */
export const OLD_VERSIONS = sends("only link protocols 1 to 3", ({ certs, netinfo }) => [
  encodeVersionsCell([1, 2, 3]),
  certs,
  netinfo,
]);

/** A NETINFO cell with a 2-byte circuit id, as a cell has before a version is agreed on. */
export const CELL_BEFORE_VERSIONS = sends("a cell before VERSIONS", (cells) => [
  cells.netinfo.subarray(2),
  ...inOrder(cells),
]);

/** All the rest of the handshake. */
export const NO_CERTS = sends("no CERTS", ({ versions, authChallenge, netinfo }) => [
  versions,
  authChallenge,
  netinfo,
]);

/** One certificate twice in the same CERTS cell. */
export const DUPLICATE_CERTIFICATE = sends("a certificate twice", (cells) => {
  const entries = decodeCerts(cells.certs.subarray(7));
  const certs = encodeCertsCell([...entries, entries[1]]);
  return inOrder({ ...cells, certs });
});

/** The CERTS cell lacks the certificate at this place. */
export function missingCertificate(index: number): Misbehaviour {
  return sends(`no certificate number ${index + 1}`, (cells) => {
    const certs = encodeCertsCell(decodeCerts(cells.certs.subarray(7)).toSpliced(index, 1));
    return inOrder({ ...cells, certs });
  });
}

/** A certificate that somebody else has signed. */
export function wrongSignature(part: CertsPart): Misbehaviour {
  return {
    name: `a wrong signature: ${part}`,
    certs: (parts) => {
      switch (part) {
        case "id":
          return { ...parts, id: { ...parts.id, signer: STRANGER.rsaIdentity } };
        case "signing": {
          const signingKey = ed25519Public(parts.signing.signer);
          const signer = STRANGER.ed25519Identity;
          return { ...parts, signing: { ...parts.signing, signingKey, signer } };
        }
        case "link":
          return { ...parts, link: { ...parts.link, signer: STRANGER.signing } };
        case "cross":
          return { ...parts, cross: { ...parts.cross, signer: STRANGER.rsaIdentity } };
      }
    },
  };
}

/** A certificate that ended longer ago than any clock may be wrong. */
export function expiredCertificate(part: CertsPart, now: number): Misbehaviour {
  const expires = now - 2 * HOUR;
  return {
    name: `an expired certificate: ${part}`,
    certs: (parts) =>
      part === "id"
        ? { ...parts, id: { ...parts.id, notBefore: now - 9 * DAY, notAfter: now - 3 * DAY } }
        : { ...parts, [part]: { ...parts[part], expires } },
  };
}

/** Certificates that are right, but for the link to somebody else. */
export const OTHER_LINK: Misbehaviour = {
  name: "certificates for another TLS certificate",
  certs: (parts) => ({
    ...parts,
    link: { ...parts.link, certifiedKey: new Uint8Array(32).fill(7) },
  }),
};

/** Certificates of another relay, who is really at this end. */
export function otherIdentity(now: number): Misbehaviour {
  return otherCerts("certificates of another relay", now, () => STRANGER);
}

/** The same, but under the RSA identity that is expected. */
export function otherEd25519Identity(now: number): Misbehaviour {
  return otherCerts("another Ed25519 identity", now, ({ cross }) => ({
    ...STRANGER,
    rsaIdentity: cross.signer,
  }));
}

/** The same on the first link alone: the relay has two Ed25519 identities. */
export function otherEd25519IdentityOnce(now: number): Misbehaviour {
  const other = otherEd25519Identity(now);
  let isDone = false;
  return {
    name: "another Ed25519 identity on its first link",
    certs: (parts) => {
      if (isDone) return parts;
      isDone = true;
      return other.certs?.(parts) ?? parts;
    },
  };
}

/** Everything but NETINFO, and then nothing. */
export const NO_NETINFO = sends("no NETINFO", ({ versions, certs, authChallenge }) => [
  versions,
  certs,
  authChallenge,
]);

/** A NETINFO cell from another day. */
export function wrongClock(now: number, days: number): Misbehaviour {
  const timestamp = Math.floor((now + days * DAY) / 1000);
  const loopback = Uint8Array.of(127, 0, 0, 1);
  return sends(
    `a clock that is off by ${days} days`,
    (cells) =>
      inOrder({ ...cells, netinfo: encodeRelayNetinfoCell(timestamp, loopback, loopback) }),
  );
}

/** The longest cell there can be, of which little comes; and then nothing, or the end. */
export function cutOffCell(then: "silence" | "close"): Misbehaviour {
  return {
    name: `a cell that claims more than it sends, then ${then}`,
    linkCells: ({ versions, certs }) => {
      const cut = certs.slice();
      cut.set([0xff, 0xff], 5);
      return then === "close" ? [versions, cut, "close"] : [versions, cut];
    },
  };
}

/** Padding without end in place of CERTS. */
export const ENDLESS_PADDING: Misbehaviour = {
  name: "padding without end in the handshake",
  *linkCells({ versions }) {
    yield versions;
    for (;;) {
      yield encodeVariableCell(0, CellCommand.VPADDING, new Uint8Array(0xffff));
      yield encodeFixedCell(0, CellCommand.PADDING, new Uint8Array(0));
    }
  },
};

/** Much padding of both kinds, in the handshake and on the open channel. */
export const PADDING_FLOOD: Misbehaviour = {
  name: "a flood of padding",
  *linkCells({ versions, certs, authChallenge, netinfo }) {
    yield versions;
    for (const cell of [certs, authChallenge, netinfo]) {
      for (let index = 0; index < 1000; index++) yield fixedPadding();
      yield cell;
    }
  },
  onChannelOpen: (link) => {
    for (let index = 0; index < 1000; index++) link.sendBytes(fixedPadding());
    for (let index = 0; index < 100; index++) {
      link.sendBytes(encodeVariableCell(0, CellCommand.VPADDING, new Uint8Array(0xffff)));
    }
  },
};

function fixedPadding(): Uint8Array {
  return encodeFixedCell(0, CellCommand.PADDING, new Uint8Array(0));
}

function inOrder({ versions, certs, authChallenge, netinfo }: LinkCells): Uint8Array[] {
  return [versions, certs, authChallenge, netinfo];
}

function sends(name: string, linkCells: (cells: LinkCells) => Uint8Array[]): Misbehaviour {
  return { name, linkCells };
}

function otherCerts(
  name: string,
  now: number,
  keys: (parts: RelayCertsParts) => RelayKeys,
): Misbehaviour {
  return {
    name,
    certs: (parts) => {
      const others = relayCertsParts(keys(parts), new Uint8Array(0), now);
      const { certifiedKey } = parts.link;
      return { ...others, link: { ...others.link, certifiedKey } };
    },
  };
}

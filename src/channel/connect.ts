/**
 * Opening a channel: TCP, TLS, the link handshake, and the check that it ends at the relay that
 * was asked for (tor-spec, "Negotiating and initializing connections").
 *
 * @module
 */
import ipaddr from "ipaddr.js";
import { CellCommand, cellCommandName } from "../cell/command.ts";
import { CellParser } from "../cell/cell_parser.ts";
import {
  type CertsEntry,
  checkAuthChallenge,
  decodeCerts,
  decodeNetinfo,
  decodeVersions,
  encodeClientNetinfoCell,
  encodeVersionsCell,
  type Netinfo,
} from "../cell/link.ts";
import type { Ed25519Identity, RsaIdentity } from "../crypto/identity.ts";
import { describeError } from "../errors/tor_error.ts";
import type { SocketAddress } from "../runtime/network.ts";
import { withDeadline } from "../runtime/deadline.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { verifyRelayCerts } from "./certs.ts";
import { Channel } from "./channel.ts";
import { ChannelError } from "./errors.ts";
import { verifyRelayCertificate } from "./relay_certificate.ts";
import { closeQuietly, type RelayTls, startRelayTls } from "./tls.ts";

/** The link protocols that are offered; 3 only because C tor offers it too. */
const OFFERED_VERSIONS = [3, 4, 5];
const LOWEST_VERSION = 4;

/** Where a channel is to go and who must be there. */
export interface ChannelTarget extends SocketAddress {
  readonly rsaIdentity: RsaIdentity;
  /** Unknown for fallback directories and authorities before the first consensus. */
  readonly ed25519Identity?: Ed25519Identity | undefined;
  /** Its second address, if it has one; which one is dialled, the channel manager decides. */
  readonly ipv6?: SocketAddress | undefined;
}

/** How far the opening of a channel is, for progress reports. */
export type ChannelStep = "started" | "connected" | "open";

/** Options of {@link openChannel}. */
export interface OpenChannelOptions {
  readonly signal?: AbortSignal;
  /** The time for everything, in ms. */
  readonly timeout: number;
  readonly onStep?: (step: ChannelStep) => void;
}

/**
 * Opens a channel to exactly the relay that the target names, at its `hostname` and `port`.
 *
 * @throws ChannelError whose code says what failed, or the signal's reason
 */
export function openChannel(
  runtime: Runtime,
  target: ChannelTarget,
  options: OpenChannelOptions,
): Promise<Channel> {
  const late = () =>
    new ChannelError("channel-timeout", `no channel was open after ${options.timeout} ms`);
  return withDeadline(runtime.clock, options.timeout, late, options.signal, async (signal) => {
    options.onStep?.("started");
    const tcp = await connectTcp(runtime, target, signal);
    options.onStep?.("connected");
    const tls = await startRelayTls(tcp, signal);
    const abort = () => closeQuietly(tls.conn);
    signal.addEventListener("abort", abort, { once: true });
    try {
      const channel = await negotiate(runtime, target, tls);
      options.onStep?.("open");
      return channel;
    } catch (cause) {
      closeQuietly(tls.conn);
      signal.throwIfAborted();
      if (cause instanceof ChannelError) throw cause;
      throw new ChannelError(
        "link-handshake-failed",
        `the link handshake failed: ${describeError(cause)}`,
        { cause },
      );
    } finally {
      signal.removeEventListener("abort", abort);
    }
  });
}

async function connectTcp(
  runtime: Runtime,
  target: ChannelTarget,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  try {
    return await runtime.network.connect({ hostname: target.hostname, port: target.port }, signal);
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof Deno.errors.NetworkUnreachable) {
      throw new ChannelError("network-unreachable", "this machine has no way to the relay", {
        cause,
      });
    }
    if (cause instanceof Deno.errors.TimedOut) {
      throw new ChannelError("channel-timeout", "the relay's machine does not answer", { cause });
    }
    if (REFUSALS.some((kind) => cause instanceof kind)) {
      throw new ChannelError("connect-refused", "the relay takes no connections", { cause });
    }
    // The operating system's message can hold the address; its kind says enough.
    const kind = cause instanceof Error ? cause.name : "unknown error";
    throw new ChannelError("connect-failed", `the relay cannot be reached (${kind})`, { cause });
  }
}

/** How the system says that the machine is there and does not want the connection. */
const REFUSALS = [
  Deno.errors.ConnectionRefused,
  Deno.errors.ConnectionReset,
  Deno.errors.ConnectionAborted,
];

/** The link handshake of the connecting side over a fresh TLS connection. */
async function negotiate(
  runtime: Runtime,
  target: ChannelTarget,
  { conn, certificate }: RelayTls,
): Promise<Channel> {
  const verified = verifyRelayCertificate(certificate, runtime.clock.now());
  const parser = new CellParser();
  const nextCell = async () => {
    while (!parser.next()) {
      const length = await conn.read(parser.space());
      if (length === null) {
        throw new ChannelError(
          "link-handshake-cut-off",
          "the relay closed the connection during the link handshake",
        );
      }
      parser.filled(length);
    }
  };

  await writeAll(conn, encodeVersionsCell(OFFERED_VERSIONS));
  await nextCell();
  if (parser.command !== CellCommand.VERSIONS) throw unexpected(parser.command, "VERSIONS");
  const theirs = decodeVersions(parser.body());
  const linkProtocol = Math.max(
    0,
    ...OFFERED_VERSIONS.filter((version) => version >= LOWEST_VERSION && theirs.includes(version)),
  );
  if (linkProtocol === 0) {
    throw new ChannelError("no-common-link-protocol", "the relay speaks no link protocol of ours");
  }
  parser.useLongCircuitIds();

  const answer = await readAnswer(parser, nextCell);
  const { timestamp } = answer.netinfo;
  const clockSkew = timestamp === 0 ? undefined : timestamp * 1000 - runtime.clock.now();
  const identities = verifyRelayCerts({
    certs: answer.certs,
    tlsCertificate: verified,
    now: runtime.clock.now(),
  });
  requireIdentities(target, identities);

  const relayAddress = Uint8Array.from(ipaddr.parse(target.hostname).toByteArray());
  await writeAll(conn, encodeClientNetinfoCell(relayAddress));
  return new Channel({ conn, parser, linkProtocol, ...identities, clockSkew }, runtime);
}

interface RelayAnswer {
  readonly certs: readonly CertsEntry[];
  readonly netinfo: Netinfo;
}

/** Reads CERTS, AUTH_CHALLENGE and NETINFO, in this order, with padding between them. */
async function readAnswer(
  parser: CellParser,
  nextCell: () => Promise<void>,
): Promise<RelayAnswer> {
  let certs: CertsEntry[] | undefined;
  let challenged = false;
  for (;;) {
    await nextCell();
    switch (parser.command) {
      case CellCommand.PADDING:
      case CellCommand.VPADDING:
        continue;
      case CellCommand.CERTS:
        if (certs !== undefined) throw unexpected(parser.command, "AUTH_CHALLENGE");
        // Copied, because the parser's buffer is used again by the next read.
        certs = decodeCerts(parser.body().slice());
        continue;
      case CellCommand.AUTH_CHALLENGE:
        if (certs === undefined) throw unexpected(parser.command, "CERTS");
        if (challenged) throw unexpected(parser.command, "NETINFO");
        checkAuthChallenge(parser.body());
        challenged = true;
        continue;
      case CellCommand.NETINFO:
        if (certs === undefined) throw unexpected(parser.command, "CERTS");
        return { certs, netinfo: decodeNetinfo(parser.body()) };
      default:
        throw unexpected(parser.command, certs === undefined ? "CERTS" : "NETINFO");
    }
  }
}

function requireIdentities(
  target: ChannelTarget,
  found: { rsaIdentity: RsaIdentity; ed25519Identity: Ed25519Identity },
): void {
  if (found.rsaIdentity !== target.rsaIdentity) {
    throw new ChannelError(
      "rsa-identity-differs",
      "another relay answered: its RSA identity is not the one that was asked for",
    );
  }
  if (
    target.ed25519Identity !== undefined && found.ed25519Identity !== target.ed25519Identity
  ) {
    throw new ChannelError(
      "ed25519-identity-differs",
      "another relay answered: its Ed25519 identity is not the one that was asked for",
    );
  }
}

function unexpected(command: number, wanted: string): ChannelError {
  return new ChannelError(
    "unexpected-cell",
    `the relay sent ${cellCommandName(command)} where ${wanted} was due`,
  );
}

async function writeAll(conn: Deno.TlsConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

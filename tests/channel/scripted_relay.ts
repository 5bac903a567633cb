/**
 * A relay's end of a channel on loopback: real TLS and certificates, and a script that decides
 * what is said and when.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { CellParser } from "../../src/cell/cell_parser.ts";
import { CellCommand, hasVariableLength } from "../../src/cell/command.ts";
import type { ChannelTarget } from "../../src/channel/connect.ts";
import { ed25519IdentityFromBytes, rsaIdentityFromBytes } from "../../src/crypto/identity.ts";
import {
  ed25519Key,
  ed25519Public,
  relayCerts,
  relayCertsParts,
  rsaKey,
  rsaPublicDer,
  x509,
} from "../../testnet/certificates.ts";

const HOUR = 3_600_000;

// Made once, because an RSA key for TLS takes long.
const tlsKey = rsaKey(2048);
const keys = { rsaIdentity: rsaKey(), ed25519Identity: ed25519Key(1), signing: ed25519Key(2) };

/** What a relay's script says on one connection. */
export class RelayLink {
  readonly #conn: Deno.TlsConn;
  readonly #certs: readonly { type: number; body: Uint8Array }[];
  readonly #parser = new CellParser();

  constructor(conn: Deno.TlsConn, certs: readonly { type: number; body: Uint8Array }[]) {
    this.#conn = conn;
    this.#certs = certs;
  }

  /** Sends bytes as they are. */
  async sendBytes(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#conn.write(bytes.subarray(at));
  }

  /** Sends a cell with a 4-byte circuit id. */
  sendCell(circuitId: number, command: number, body: Uint8Array = new Uint8Array(0)) {
    return this.sendBytes(cell(circuitId, command, body));
  }

  sendVersions(...versions: number[]): Promise<void> {
    const body = versions.flatMap((version) => [version >> 8, version & 0xff]);
    return this.sendBytes(Uint8Array.of(0, 0, CellCommand.VERSIONS, 0, body.length, ...body));
  }

  sendCerts(): Promise<void> {
    const parts = this.#certs.flatMap(({ type, body }) => [
      Uint8Array.of(type, body.length >> 8, body.length & 0xff),
      body,
    ]);
    return this.sendCell(
      0,
      CellCommand.CERTS,
      Buffer.concat([Uint8Array.of(this.#certs.length), ...parts]),
    );
  }

  sendAuthChallenge(): Promise<void> {
    return this.sendCell(0, CellCommand.AUTH_CHALLENGE, new Uint8Array(34));
  }

  /** @param timestamp the relay's clock, seconds since 1970 */
  sendNetinfo(timestamp = 0): Promise<void> {
    const body = new Uint8Array(11);
    new DataView(body.buffer).setUint32(0, timestamp);
    body.set([4, 4, 127, 0, 0, 1], 4);
    return this.sendCell(0, CellCommand.NETINFO, body);
  }

  /** The relay's part of a link handshake in which nothing is wrong; 3, 4 and 5 unless said. */
  async handshake(...versions: number[]): Promise<void> {
    await this.sendVersions(...versions.length === 0 ? [3, 4, 5] : versions);
    await this.sendCerts();
    await this.sendAuthChallenge();
    await this.sendNetinfo();
    await this.readCell();
    await this.readCell();
  }

  /** The next cell of the client; the first has a 2-byte circuit id. */
  async readCell(): Promise<{ circuitId: number; command: number; body: Uint8Array }> {
    const parser = this.#parser;
    while (!parser.next()) {
      const length = await this.#conn.read(parser.space());
      if (length === null) throw new Error("the client has closed");
      parser.filled(length);
    }
    const { circuitId, command } = parser;
    const body = parser.body().slice();
    if (command === CellCommand.VERSIONS) parser.useLongCircuitIds();
    return { circuitId, command, body };
  }

  /** Says over TLS that nothing more comes, and waits for the client to close. */
  async close(): Promise<void> {
    await this.#conn.closeWrite();
    await this.untilClosed();
  }

  /** Reads until the client closes. */
  async untilClosed(): Promise<void> {
    const space = new Uint8Array(4096);
    while (await this.#conn.read(space).catch(() => null) !== null);
  }
}

/** A cell with a 4-byte circuit id. */
export function cell(circuitId: number, command: number, body: Uint8Array): Uint8Array {
  const isVariable = hasVariableLength(command);
  const bytes = new Uint8Array(isVariable ? 7 + body.length : 514);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, circuitId);
  bytes[4] = command;
  if (isVariable) view.setUint16(5, body.length);
  bytes.set(body, isVariable ? 7 : 5);
  return bytes;
}

/** A relay that runs one script for each connection. */
export class ScriptedRelay implements AsyncDisposable {
  /** Where it is and who it is. */
  readonly target: ChannelTarget;
  /** How many connections were accepted. */
  connections = 0;
  readonly #listener: Deno.TlsListener;
  readonly #served: Promise<void>;
  readonly #links = new Set<Promise<void>>();

  /**
   * @param now the time for which its certificates are made, ms since 1970
   * @param certified the TLS certificate that its link certificate names; its own unless said
   */
  constructor(
    now: number,
    script: (link: RelayLink) => Promise<void>,
    certified?: Uint8Array,
  ) {
    const der = x509({ key: tlsKey, notBefore: now - HOUR, notAfter: now + 30 * 24 * HOUR });
    const base64 = Buffer.from(der).toString("base64").replaceAll(/.{64}/g, "$&\n");
    this.#listener = Deno.listenTls({
      hostname: "127.0.0.1",
      port: 0,
      cert: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
      key: tlsKey.export({ format: "pem", type: "pkcs8" }).toString(),
    });
    const certs = relayCerts(relayCertsParts(keys, certified ?? der, now));
    const digest = createHash("sha1").update(rsaPublicDer(keys.rsaIdentity)).digest();
    this.target = {
      hostname: "127.0.0.1",
      port: this.#listener.addr.port,
      rsaIdentity: rsaIdentityFromBytes(digest),
      ed25519Identity: ed25519IdentityFromBytes(ed25519Public(keys.ed25519Identity)),
    };
    this.#served = this.#serve(async (conn) => {
      using link = conn;
      try {
        await link.handshake();
        await script(new RelayLink(link, certs));
      } catch {
        // The client has gone: its own end of the test says whether that was right.
      }
    });
  }

  async #serve(handle: (conn: Deno.TlsConn) => Promise<void>): Promise<void> {
    for (;;) {
      let conn: Deno.TlsConn;
      try {
        conn = await this.#listener.accept();
      } catch {
        // The listener was closed.
        return;
      }
      this.connections++;
      const running = handle(conn);
      this.#links.add(running);
      running.then(() => this.#links.delete(running));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#served;
    await Promise.all(this.#links);
  }
}

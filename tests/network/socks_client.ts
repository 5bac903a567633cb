/**
 * What an application says to a SOCKS port: SOCKS5 with Tor's RESOLVE and RESOLVE_PTR, and SOCKS4a.
 *
 * @module
 */
import { readExactly, writeAll } from "./byte_reader.ts";
import { withDeadline, withDeadlineOpen } from "./deadline.ts";

/** A host name or IP address (IPv6 without brackets), and a port. */
export interface Endpoint {
  readonly hostname: string;
  readonly port: number;
}

/** A user name and password, by which streams are kept apart. */
export interface SocksAuth {
  readonly username: string;
  readonly password: string;
}

/** SOCKS5 replies (RFC 1928, section 6). */
export const SocksReply = {
  Succeeded: 0,
  GeneralFailure: 1,
  NotAllowed: 2,
  NetworkUnreachable: 3,
  HostUnreachable: 4,
  ConnectionRefused: 5,
  TtlExpired: 6,
  CommandNotSupported: 7,
  AddressTypeNotSupported: 8,
} as const;

/** The proxy answered that it will not. */
export class SocksRefusal extends Error {
  /** One of {@link SocksReply} for SOCKS5, or 91 to 93 for SOCKS4. */
  readonly reply: number;

  constructor(reply: number) {
    super(`the SOCKS proxy replied ${reply}`);
    this.name = "SocksRefusal";
    this.reply = reply;
  }
}

const Command = { Connect: 1, Resolve: 0xf0, ResolvePtr: 0xf1 } as const;
const AddressType = { IPv4: 1, Name: 3, IPv6: 4 } as const;

/** The longest that a proxy may take to answer, in milliseconds; opening a stream is tried long. */
const REPLY_TIMEOUT = 130_000;

/**
 * Connects to `target` through a SOCKS5 proxy.
 *
 * @throws SocksRefusal with the proxy's reply; Deno.errors.UnexpectedEof when it just closes
 */
export async function socks5Connect(
  proxy: Endpoint,
  target: Endpoint,
  auth?: SocksAuth,
): Promise<Deno.TcpConn> {
  const conn = await connect(proxy);
  await withDeadlineOpen(
    conn,
    REPLY_TIMEOUT,
    "the SOCKS5 CONNECT",
    () => request(conn, Command.Connect, target, auth),
  );
  return conn;
}

/**
 * Asks for the address of a name (Tor's RESOLVE).
 *
 * @returns the IPv4 or IPv6 address
 * @throws SocksRefusal
 */
export async function socks5Resolve(proxy: Endpoint, hostname: string): Promise<string> {
  const conn = await connect(proxy);
  return await withDeadline(
    conn,
    REPLY_TIMEOUT,
    "the SOCKS5 RESOLVE",
    () => request(conn, Command.Resolve, { hostname, port: 0 }),
  );
}

/**
 * Asks for the name of an address (Tor's RESOLVE_PTR).
 *
 * @throws SocksRefusal
 */
export async function socks5ResolvePtr(proxy: Endpoint, address: string): Promise<string> {
  const conn = await connect(proxy);
  return await withDeadline(
    conn,
    REPLY_TIMEOUT,
    "the SOCKS5 RESOLVE_PTR",
    () => request(conn, Command.ResolvePtr, { hostname: address, port: 0 }),
  );
}

/**
 * Connects to a name through a SOCKS4a proxy.
 *
 * @throws SocksRefusal with 91 or more
 */
export async function socks4aConnect(proxy: Endpoint, target: Endpoint): Promise<Deno.TcpConn> {
  const conn = await connect(proxy);
  await withDeadlineOpen(conn, REPLY_TIMEOUT, "the SOCKS4a CONNECT", async () => {
    await writeAll(
      conn,
      Uint8Array.of(
        4,
        Command.Connect,
        ...portBytes(target.port),
        // 0.0.0.1: the name follows the (empty) user id.
        ...[0, 0, 0, 1],
        0,
        ...new TextEncoder().encode(target.hostname),
        0,
      ),
    );
    const [, reply] = await readExactly(conn, 8);
    if (reply !== 90) throw new SocksRefusal(reply);
  });
  return conn;
}

/** Sends bytes as they are to the proxy's port and reads all that comes back, as text. */
export async function rawExchange(proxy: Endpoint, text: string): Promise<string> {
  const conn = await connect(proxy);
  return await withDeadline(conn, REPLY_TIMEOUT, "a raw exchange", async () => {
    await writeAll(conn, new TextEncoder().encode(text));
    return await new Response(conn.readable).text();
  });
}

async function connect(proxy: Endpoint): Promise<Deno.TcpConn> {
  const conn = await Deno.connect(proxy);
  conn.setNoDelay(true);
  return conn;
}

/** Negotiates, sends one request and gives the address in the reply. */
async function request(
  conn: Deno.TcpConn,
  command: number,
  target: Endpoint,
  auth?: SocksAuth,
): Promise<string> {
  const method = auth ? 2 : 0;
  await writeAll(conn, Uint8Array.of(5, 1, method));
  const [version, chosen] = await readExactly(conn, 2);
  if (version !== 5 || chosen !== method) {
    throw new Error(`the proxy chose method ${chosen} of SOCKS${version}`);
  }
  if (auth) await authenticate(conn, auth);
  await writeAll(
    conn,
    Uint8Array.of(5, command, 0, ...addressBytes(target.hostname), ...portBytes(target.port)),
  );
  const [, reply, , type] = await readExactly(conn, 4);
  // The address of a refusal means nothing: C tor's may even be of type 0.
  if (reply !== SocksReply.Succeeded) throw new SocksRefusal(reply);
  const address = await readAddress(conn, type);
  await readExactly(conn, 2);
  return address;
}

/** RFC 1929. */
async function authenticate(conn: Deno.TcpConn, auth: SocksAuth): Promise<void> {
  const username = new TextEncoder().encode(auth.username);
  const password = new TextEncoder().encode(auth.password);
  await writeAll(
    conn,
    Uint8Array.of(1, username.length, ...username, password.length, ...password),
  );
  const [, status] = await readExactly(conn, 2);
  if (status !== 0) throw new Error(`the proxy refused the password with status ${status}`);
}

async function readAddress(conn: Deno.TcpConn, type: number): Promise<string> {
  switch (type) {
    case AddressType.IPv4:
      return (await readExactly(conn, 4)).join(".");
    case AddressType.Name: {
      const [length] = await readExactly(conn, 1);
      return new TextDecoder().decode(await readExactly(conn, length));
    }
    case AddressType.IPv6: {
      const hex = (await readExactly(conn, 16)).toHex();
      // The URL parser writes an IPv6 address in its canonical short form.
      return new URL(`http://[${hex.match(/.{4}/g)?.join(":")}]`).hostname.slice(1, -1);
    }
    default:
      throw new Error(`the proxy's reply has an address of type ${type}`);
  }
}

function addressBytes(hostname: string): Uint8Array {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(hostname)) {
    return Uint8Array.of(AddressType.IPv4, ...hostname.split(".").map(Number));
  }
  if (hostname.includes(":")) return Uint8Array.of(AddressType.IPv6, ...ipv6Bytes(hostname));
  const name = new TextEncoder().encode(hostname);
  return Uint8Array.of(AddressType.Name, name.length, ...name);
}

/** The 16 bytes of an IPv6 address without an embedded IPv4 one. */
export function ipv6Bytes(address: string): Uint8Array {
  const [left, right] = address.split("::").map((half) => half === "" ? [] : half.split(":"));
  const middle = right === undefined ? [] : new Array(8 - left.length - right.length).fill("0");
  const groups = [...left, ...middle, ...right ?? []];
  return Uint8Array.fromHex(groups.map((group) => group.padStart(4, "0")).join(""));
}

function portBytes(port: number): [number, number] {
  return [port >> 8, port & 0xff];
}

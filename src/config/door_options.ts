/**
 * Options about the doors of the client: where applications come in, and what they may ask for.
 *
 * @module
 */
import type { OptionFacts } from "./option_facts.ts";

/** By C tor's name, in the order of --help. */
export const DOOR_OPTIONS = {
  SocksPort: {
    kind: "lines",
    default: "9050",
    flags: ["--socks-port"],
    otherNames: ["__SocksPort"],
    argument: "[ADDR:]PORT|unix:PATH|auto|0 [FLAG...]",
    help: "Where applications connect; 0 for none; may be repeated.",
    details: "Flags keep streams off each other's circuits: IsolateDestAddr, IsolateDestPort, " +
      "IsolateClientProtocol, SessionGroup=NUMBER; IsolateClientAddr and IsolateSOCKSAuth are " +
      "on, and No before a name switches it off. Others choose what may be asked for: " +
      "NoDNSRequest, NoIPv4Traffic, IPv6Traffic, PreferIPv6. The protocol has no encryption: an" +
      " address that others can reach lets them use your client.",
  },
  HTTPTunnelPort: {
    kind: "lines",
    flags: ["--http-tunnel-port"],
    otherNames: ["__HTTPTunnelPort"],
    argument: "[ADDR:]PORT|unix:PATH|auto|0 [FLAG...]",
    help: "The same for applications that use an HTTP proxy with CONNECT; may be repeated.",
    details: "Requests are kept apart by Proxy-Authorization and X-Tor-Stream-Isolation.",
  },
  DNSPort: {
    kind: "lines",
    flags: ["--dns-port"],
    otherNames: ["__DNSPort"],
    argument: "[ADDR:]PORT|auto|0 [FLAG...]",
    help: "Answers DNS questions for addresses and names, over UDP and TCP; may be repeated.",
    details: "Only A, AAAA and PTR can be answered: Tor carries no other questions.",
  },
  SocksPolicy: {
    kind: "lines",
    argument: "accept|reject ADDR[/MASK],...",
    help: "Which addresses may use these ports: the first that fits counts; may be repeated.",
    details:
      "It is for SocksPort and HTTPTunnelPort and DNSPort alike. Who fits no entry is let in.",
  },
  SafeSocks: {
    kind: "boolean",
    default: "0",
    argument: "0|1",
    help: "Refuse SOCKS requests with an address only: the name may have been looked up elsewhere.",
  },
  TestSocks: {
    kind: "boolean",
    default: "0",
    argument: "0|1",
    help: "Log for each SOCKS request whether it is safe in that way.",
  },
  MapAddress: {
    kind: "lines",
    argument: "ADDR|*.DOMAIN NEWADDR|*.NEWDOMAIN",
    help: "Requests for one address are made for another; may be repeated.",
    details: "Names that are mapped are not looked up.",
  },
  AutomapHostsOnResolve: {
    kind: "boolean",
    default: "0",
    otherNames: ["AutomapHostOnResolve"],
    argument: "0|1",
    help: "Answer lookups of some names with addresses that lead back to the name.",
  },
  AutomapHostsSuffixes: {
    kind: "list",
    default: ".onion,.exit",
    otherNames: ["AutomapHostSuffixes"],
    argument: "SUFFIX,SUFFIX,...",
    help: "Of which names; '.' stands for all.",
  },
  VirtualAddrNetworkIPv4: {
    kind: "text",
    default: "127.192.0.0/10",
    otherNames: ["VirtualAddrNetwork"],
    argument: "ADDR/BITS",
    help: "Where such IPv4 addresses are taken from: a /16 or larger.",
  },
  VirtualAddrNetworkIPv6: {
    kind: "text",
    default: "[FE80::]/10",
    argument: "[ADDR]/BITS",
    help: "Where such IPv6 addresses are taken from: a /104 or larger.",
  },
  WarnPlaintextPorts: {
    kind: "ports",
    default: "23,109,110,143",
    argument: "PORT,PORT,...",
    help: "Warn when an application connects to these: passwords may go there unencrypted.",
  },
  RejectPlaintextPorts: {
    kind: "ports",
    argument: "PORT,PORT,...",
    help: "Refuse connections to these.",
  },
} as const satisfies Readonly<Record<string, OptionFacts>>;

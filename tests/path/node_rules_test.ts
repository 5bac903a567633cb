import assert from "node:assert/strict";
import type { NodePattern } from "../../src/config/node_pattern.ts";
import { GeoIp } from "../../src/netdir/geo_ip.ts";
import { NodeRules, type NodeWishes } from "../../src/path/node_rules.ts";
import type { NodeDescription } from "../../src/path/node_set.ts";
import { identityOf, NO_WISHES } from "./test_network.ts";

/** 7.0.0.0/8 is in Germany, 8.0.0.0/8 in France, 9.0.0.0/8 is A1. */
const GEO_IP = GeoIp.parse(
  "117440512,134217727,DE\n134217728,150994943,FR\n150994944,167772159,A1",
);

const node = (hostname: string): NodeDescription => ({
  rsaIdentity: identityOf(1),
  nickname: "x",
  hostname,
  port: 9001,
  ipv6: undefined,
});
const GERMAN = node("7.0.0.1");
const FRENCH = node("8.0.0.1");
const PROXY = node("9.0.0.1");
const UNKNOWN = node("11.0.0.1");
const ALL = [GERMAN, FRENCH, PROXY, UNKNOWN];

const country = (code: string): NodePattern => ({ kind: "country", code });

function compile(wishes: Partial<NodeWishes>, geoIp: GeoIp | undefined = GEO_IP): NodeRules {
  return NodeRules.compile({ ...NO_WISHES, ...wishes }, geoIp);
}

/** Which of the four the rules exclude from circuits, and as exits. */
function excluded(wishes: Partial<NodeWishes>) {
  const rules = compile(wishes);
  return {
    all: ALL.filter((relay) => rules.isExcluded(relay)),
    exits: ALL.filter((relay) => rules.isExcludedExit(relay)),
  };
}

Deno.test("without wishes every relay may do everything", () => {
  for (const relay of ALL) {
    assert.ok(!NodeRules.none.isExcluded(relay) && !NodeRules.none.isExcludedExit(relay));
    assert.ok(NodeRules.none.isEntryNode(relay));
    assert.ok(NodeRules.none.mayBeMiddle(relay) && NodeRules.none.mayBeExit(relay));
  }
  const { choosesEntries, choosesMiddles, choosesExits, needsCountries } = NodeRules.none;
  assert.deepEqual({ choosesEntries, choosesMiddles, choosesExits, needsCountries }, {
    choosesEntries: false,
    choosesMiddles: false,
    choosesExits: false,
    needsCountries: false,
  });
});

Deno.test("what is excluded is no exit either, and excluded exits are only that", () => {
  const wishes = { exclude: [country("de")], excludeExit: [country("fr")] };
  assert.deepEqual(excluded({ ...wishes, excludeUnknownCountries: false }), {
    all: [GERMAN],
    exits: [GERMAN, FRENCH],
  });
});

Deno.test("auto excludes unknown countries where any country is excluded", () => {
  assert.deepEqual(excluded({}), { all: [], exits: [] });
  const unknown = [PROXY, UNKNOWN];
  const identity: NodePattern = { kind: "identity", rsaIdentity: identityOf(2) };
  assert.deepEqual(excluded({ exclude: [identity] }), { all: [], exits: [] });
  assert.deepEqual(excluded({ exclude: [country("de")] }), {
    all: [GERMAN, ...unknown],
    exits: [GERMAN, ...unknown],
  });
  assert.deepEqual(excluded({ excludeExit: [country("fr")] }), {
    all: [],
    exits: [FRENCH, ...unknown],
  });
  // Countries that are chosen are no reason.
  assert.deepEqual(excluded({ exit: [country("fr")] }), { all: [], exits: [] });
});

Deno.test("1 excludes unknown countries in any case, and 0 in none", () => {
  const unknown = [PROXY, UNKNOWN];
  assert.deepEqual(excluded({ excludeUnknownCountries: true }), { all: unknown, exits: unknown });
  const wishes = { exclude: [country("de")], excludeUnknownCountries: false };
  assert.deepEqual(excluded(wishes), { all: [GERMAN], exits: [GERMAN] });
});

Deno.test("without a country file unknown countries exclude nothing", () => {
  const rules = NodeRules.compile({ ...NO_WISHES, excludeUnknownCountries: true }, undefined);
  assert.ok(!ALL.some((relay) => rules.isExcluded(relay) || rules.isExcludedExit(relay)));
});

Deno.test("relays are chosen for each position alone, and exclusion wins", () => {
  const rules = compile({
    entry: [country("de")],
    middle: [country("fr"), country("a1")],
    exit: [country("fr"), country("??"), country("de")],
    exclude: [{ kind: "addresses", network: "9.0.0.0", prefixLength: 8, ports: ALL_PORTS }],
    excludeExit: [{ kind: "addresses", network: "11.0.0.0", prefixLength: 8, ports: ALL_PORTS }],
  });
  assert.deepEqual(ALL.filter((relay) => rules.isEntryNode(relay)), [GERMAN]);
  assert.deepEqual(ALL.filter((relay) => rules.isMiddleNode(relay)), [FRENCH, PROXY]);
  assert.deepEqual(ALL.filter((relay) => rules.mayBeMiddle(relay)), [FRENCH]);
  assert.deepEqual(ALL.filter((relay) => rules.isExitNode(relay)), [GERMAN, FRENCH, UNKNOWN]);
  assert.deepEqual(ALL.filter((relay) => rules.mayBeExit(relay)), [GERMAN, FRENCH]);
  assert.ok(rules.choosesEntries && rules.choosesMiddles && rules.choosesExits);
});

const ALL_PORTS = { first: 1, last: 65535 };

Deno.test("a choice of countries without a country file is a choice of no relay", () => {
  const wishes = { ...NO_WISHES, exit: [country("de")] };
  const rules = NodeRules.compile(wishes, undefined);
  assert.ok(rules.choosesExits);
  assert.ok(!ALL.some((relay) => rules.mayBeExit(relay)));
});

Deno.test("excluded directories are asked only where there is no other, and never if strict", () => {
  const lax = compile({ exclude: [country("de"), country("fr")] });
  const strict = compile({ exclude: [country("de"), country("fr")], strict: true });
  const ask = (rules: NodeRules, hostnames: readonly string[]) =>
    rules.directoriesToAsk(hostnames, node);
  for (const rules of [lax, strict]) {
    assert.deepEqual(ask(compile({}), ["7.0.0.1", "8.0.0.1"]), ["7.0.0.1", "8.0.0.1"]);
    assert.deepEqual(ask(rules, []), []);
  }
  const mixed = compile({ exclude: [country("de")], excludeUnknownCountries: false });
  assert.deepEqual(ask(mixed, ["7.0.0.1", "8.0.0.1", "11.0.0.1"]), ["8.0.0.1", "11.0.0.1"]);
  assert.deepEqual(ask(lax, ["7.0.0.1", "8.0.0.1"]), ["7.0.0.1", "8.0.0.1"]);
  assert.deepEqual(ask(strict, ["7.0.0.1", "8.0.0.1"]), []);
  // What counts is what can still be asked.
  assert.deepEqual(ask(lax, ["7.0.0.1"]), ["7.0.0.1"]);
});

Deno.test("it is said which countries mean nothing", () => {
  const wishes = {
    exclude: [country("de"), country("xx")],
    entry: [country("fr")],
    exit: [country("??"), country("zz")],
  };
  assert.deepEqual(compile(wishes).unknownCountries, ["xx", "zz"]);
  const without = NodeRules.compile({ ...NO_WISHES, ...wishes }, undefined);
  assert.deepEqual(without.unknownCountries, ["??", "de", "fr", "xx", "zz"]);
  assert.ok(without.needsCountries);
  for (const field of ["exclude", "excludeExit", "entry", "exit", "middle"] as const) {
    assert.ok(compile({ [field]: [country("de")] }).needsCountries, field);
  }
  // What GeoIPExcludeUnknown adds, nobody has named.
  assert.ok(!compile({ excludeUnknownCountries: true }).needsCountries);
});

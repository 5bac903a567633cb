import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeQuery,
  DnsCode,
  type DnsQuery,
  encodeResponse,
} from "../../src/proxy/dns_message.ts";
import { dnsQueries, dnsQuery, readResponse } from "./dns_packets.ts";

function question(bytes: Uint8Array): Extract<DnsQuery, { kind: "question" }> {
  const query = decodeQuery(bytes);
  assert.equal(query.kind, "question");
  assert.ok(query.kind === "question");
  return query;
}

Deno.test("questions for A, AAAA and PTR are understood", () => {
  for (const type of ["A", "AAAA", "PTR"]) {
    const bytes = dnsQuery(type, "Web.Example");
    assert.deepEqual(question(bytes), {
      kind: "question",
      question: { type, name: "Web.Example", offset: 12 },
      asked: bytes,
    });
  }
});

Deno.test("of several questions the first counts that can be answered", () => {
  const bytes = dnsQueries([
    { type: "MX", name: "a.example" },
    { type: "A", name: "b.example", class: "CH" },
    { type: "AAAA", name: "c.example" },
    { type: "A", name: "d.example" },
  ]);
  assert.equal(question(bytes).question.name, "c.example");
  const response = readResponse(
    encodeResponse(bytes, DnsCode.NoError, {
      question: question(bytes).question,
      value: "2001:db8::1",
      ttl: 60,
    }),
  );
  assert.equal(response.questions.length, 4);
  assert.deepEqual(response.answers.map(({ name, data }) => [name, data]), [
    ["c.example", "2001:db8::1"],
  ]);
});

Deno.test("what is not for a server like this", () => {
  const kinds: readonly (readonly [Uint8Array, DnsQuery["kind"]])[] = [
    [new Uint8Array(0), "ignored"],
    [new Uint8Array(11), "ignored"],
    [dnsQuery("A", "a.example").with(2, 0x81), "ignored"],
    [new Uint8Array(12), "empty"],
    [dnsQuery("MX", "a.example"), "unsupported"],
    [dnsQuery("HTTPS", "a.example"), "unsupported"],
    [dnsQueries([{ type: "A", name: "a.example", class: "CH" }]), "unsupported"],
    // The kind of query 1, and a status.
    [dnsQuery("A", "a.example").with(2, 0x09), "unsupported"],
    // More questions and records than there can be.
    [dnsQuery("A", "a.example").with(5, 9), "malformed"],
    [dnsQuery("A", "a.example").with(6, 255), "malformed"],
    [dnsQuery("A", "a.example").subarray(0, 20), "malformed"],
    // A pointer to itself, and a kind of label that there is not.
    [dnsQuery("A", "a.example").with(12, 0xc0).with(13, 12), "malformed"],
    [dnsQuery("A", "a.example").with(12, 0x80), "malformed"],
  ];
  for (const [bytes, kind] of kinds) assert.equal(decodeQuery(bytes).kind, kind, bytes.toHex());
});

Deno.test("a response repeats the question letter by letter, with its number and its wishes", () => {
  const bytes = dnsQuery("A", "wEb.ExAmPlE", 0xbeef);
  const { asked, question: about } = question(bytes);
  const response = encodeResponse(asked, DnsCode.NoError, {
    question: about,
    value: "192.0.2.1",
    ttl: 300,
  });
  assert.equal(response.subarray(0, 2).toHex(), "beef");
  assert.deepEqual(response.subarray(12, bytes.length), bytes.subarray(12));
  const read = readResponse(response);
  assert.deepEqual([read.rcode, read.flag_ra, read.flag_rd], ["NOERROR", true, true]);
  assert.deepEqual(read.answers.map(({ name, type, ttl, data }) => [name, type, ttl, data]), [
    ["wEb.ExAmPlE", "A", 300, "192.0.2.1"],
  ]);
});

Deno.test("a response without an answer says how it went, and needs no question", () => {
  for (const [name, code] of Object.entries(DnsCode)) {
    const response = encodeResponse(dnsQuery("A", "a.example").subarray(0, 12), code);
    assert.equal(response.length, 12, name);
    assert.equal(response[3] & 15, code);
    assert.equal(readResponse(response).questions.length, 0);
  }
});

Deno.test("a name that DNS cannot carry is no answer", () => {
  const { asked, question: about } = question(dnsQuery("PTR", "1.2.0.192.in-addr.arpa"));
  const answer = (value: string) =>
    encodeResponse(asked, DnsCode.NoError, { question: about, value, ttl: 60 });
  assert.equal(readResponse(answer("host.example.")).answers[0].data, "host.example");
  for (const bad of ["", "a..b", `${"a".repeat(64)}.b`, "a\0b", "ä.example", "a.".repeat(127)]) {
    assert.throws(() => answer(bad), RangeError, bad);
  }
});

/** Messages that are nearly right. */
const nearly = fc.tuple(
  fc.constantFrom("A", "AAAA", "PTR", "MX", "OPT", "TXT"),
  fc.oneof(fc.domain(), fc.constantFrom("a", "x.onion", ".")),
  fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 6 }),
  fc.nat(60),
).map(([type, name, changes, cut]) => {
  const bytes = dnsQuery(type, name);
  for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
  return cut > bytes.length / 2 ? bytes.subarray(0, cut) : bytes;
});

Deno.test("any bytes: never an exception, and always a response that can be read, or none", () => {
  fc.assert(
    fc.property(fc.oneof(nearly, fc.uint8Array({ maxLength: 300 })), (bytes) => {
      const before = bytes.slice();
      const query = decodeQuery(bytes);
      assert.deepEqual(bytes, before, "the message is left alone");
      if (query.kind === "ignored") return;
      assert.ok(query.asked.length <= bytes.length);
      const answer = query.kind === "question" && query.question.type === "A"
        ? { question: query.question, value: "192.0.2.1", ttl: 60 }
        : undefined;
      const response = encodeResponse(query.asked, DnsCode.NoError, answer);
      assert.equal(readResponse(response).answers.length, answer === undefined ? 0 : 1);
    }),
    { seed: 1, numRuns: 5000 },
  );
});

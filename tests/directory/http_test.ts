import assert from "node:assert/strict";
import fc from "fast-check";
import { DirectoryError, type DirectoryErrorCode } from "../../src/directory/errors.ts";
import { encodeRequest, HttpResponseReader, MAX_HEAD_LENGTH } from "../../src/directory/http.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function read(answer: string | Uint8Array, maxBody = 1000) {
  const reader = new HttpResponseReader(maxBody);
  reader.push(typeof answer === "string" ? encode(answer) : answer);
  return reader.finish();
}

function refuses(answer: string, code: DirectoryErrorCode, maxBody?: number) {
  assert.throws(
    () => read(answer, maxBody),
    (error) => error instanceof DirectoryError && error.code === code,
    answer.slice(0, 100),
  );
}

Deno.test("a request has C tor's headers in its order", () => {
  const request = encodeRequest({
    path: "/tor/x",
    host: "192.0.2.5:9001",
    ifModifiedSince: Date.UTC(2024, 4, 17, 12, 3),
    diffFrom: "5C1D",
  });
  assert.equal(
    decode(request),
    "GET /tor/x HTTP/1.0\r\nHost: 192.0.2.5:9001\r\n" +
      "If-Modified-Since: Fri, 17 May 2024 12:03:00 GMT\r\n" +
      "Accept-Encoding: x-zstd, deflate, gzip, identity\r\n" +
      "X-Or-Diff-From-Consensus: 5C1D\r\n\r\n",
  );
});

Deno.test("a request has C tor's headers in C tor's order", () => {
  const request = encodeRequest({
    path: "/tor/keys/all",
    host: "192.0.2.1:9001",
    ifModifiedSince: Date.UTC(2024, 4, 17, 12, 3),
  });
  assert.equal(
    decode(request),
    "GET /tor/keys/all HTTP/1.0\r\n" +
      "Host: 192.0.2.1:9001\r\n" +
      "If-Modified-Since: Fri, 17 May 2024 12:03:00 GMT\r\n" +
      "Accept-Encoding: x-zstd, deflate, gzip, identity\r\n\r\n",
  );
});

Deno.test("port 80 is left out of the Host header", () => {
  const host = (request: Uint8Array) => decode(request).split("\r\n")[1];
  assert.equal(host(encodeRequest({ path: "/", host: "192.0.2.1:80" })), "Host: 192.0.2.1");
  assert.equal(host(encodeRequest({ path: "/", host: "[::1]:80" })), "Host: [::1]");
  assert.equal(host(encodeRequest({ path: "/", host: "192.0.2.1:8080" })), "Host: 192.0.2.1:8080");
});

Deno.test("an answer with and one without Content-Length", () => {
  const plain = read("HTTP/1.0 200 OK\r\nDate: Fri, 17 May 2024 12:03:00 GMT\r\n\r\nbody");
  assert.deepEqual(plain.head, {
    status: 200,
    contentLength: undefined,
    date: Date.UTC(2024, 4, 17, 12, 3),
  });
  assert.equal(decode(plain.body), "body");
  const measured = read("HTTP/1.1 404 Not found\r\ncontent-length: 2\r\n\r\nno");
  assert.equal(measured.head.status, 404);
  assert.equal(measured.head.contentLength, 2);
  assert.equal(decode(measured.body), "no");
});

Deno.test("an answer says when it is complete", () => {
  const reader = new HttpResponseReader(100);
  const status = () => reader.head?.status;
  assert.equal(reader.push(encode("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r")), false);
  assert.equal(status(), undefined);
  assert.equal(reader.push(encode("\nab")), false);
  assert.equal(status(), 200);
  assert.equal(reader.push(encode("c")), true);
});

Deno.test("pieces of any size give the same answer", () => {
  const answer = encode("HTTP/1.0 200 OK\r\nServer: x\r\nContent-Length: 9\r\n\r\n\r\n\r\nabc\r\n");
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }), (sizes) => {
      const reader = new HttpResponseReader(100);
      // One buffer for all pieces, as a stream reuses it.
      const buffer = new Uint8Array(20);
      for (let at = 0, turn = 0; at < answer.length; turn++) {
        const piece = answer.subarray(at, at + sizes[turn % sizes.length]);
        buffer.fill(0xff).set(piece);
        reader.push(buffer.subarray(0, piece.length));
        at += piece.length;
      }
      assert.equal(decode(reader.finish().body), "\r\n\r\nabc\r\n");
    }),
    { seed: 1 },
  );
});

Deno.test("what is no HTTP answer is refused", () => {
  refuses("SSH-2.0-OpenSSH_9\r\n\r\n", "directory-http-invalid");
  refuses("HTTP/2.0 200 OK\r\n\r\n", "directory-http-invalid");
  refuses("HTTP/1.0 2000 OK\r\n\r\n", "directory-http-invalid");
  refuses("HTTP/1.0 600 OK\r\n\r\n", "directory-http-invalid");
  refuses("HTTP/1.0 200 O\0K\r\n\r\n", "directory-http-invalid");
  refuses("HTTP/1.0 200 OK\r\nno colon\r\n\r\n", "directory-http-invalid");
  refuses("HTTP/1.0 200 OK\r\nX: a\nb\r\n\r\n", "directory-http-invalid");
  refuses("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "directory-http-invalid");
  assert.throws(
    () => read(new Uint8Array([...encode("HTTP/1.0 200 \xff"), 0xff, 13, 10, 13, 10])),
    (error) => error instanceof DirectoryError && error.code === "directory-http-invalid",
  );
});

Deno.test("a wrong Content-Length is refused", () => {
  const head = "HTTP/1.0 200 OK\r\nContent-Length: ";
  refuses(head + "4\r\n\r\nabc", "directory-http-cut-off");
  refuses(head + "2\r\n\r\nabc", "directory-http-invalid");
  refuses(head + "-1\r\n\r\nabc", "directory-http-invalid");
  refuses(head + "3, 3\r\n\r\nabc", "directory-http-invalid");
  refuses(head + "3\r\nContent-Length: 3\r\n\r\nabc", "directory-http-invalid");
  refuses(head + "99999999999999999999\r\n\r\nabc", "directory-http-invalid");
});

Deno.test("a head that ends early is cut off", () => {
  refuses("HTTP/1.0 200 OK\r\nContent-Le", "directory-http-cut-off");
  refuses("", "directory-http-cut-off");
});

Deno.test("head and body are bounded", () => {
  const long = "HTTP/1.0 200 OK\r\nX: " + "x".repeat(MAX_HEAD_LENGTH);
  refuses(long, "directory-http-too-large");
  refuses(long + "\r\n\r\n", "directory-http-too-large");
  refuses("HTTP/1.0 200 OK\r\n\r\n123456789", "directory-http-too-large", 8);
  assert.equal(read("HTTP/1.0 200 OK\r\n\r\n12345678", 8).body.length, 8);
  // Refused by its announcement alone, before anything of it has arrived.
  refuses("HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n", "directory-http-too-large", 8);
});

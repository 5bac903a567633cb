/** The client's half of circuit handshakes: `deno bench bench/handshake_bench.ts`. */
import { CC_REQUEST, ccResponse, encodeCircuitExtensions } from "../src/cell/circuit_extensions.ts";
import { ed25519IdentityFromBytes, rsaIdentityFromBytes } from "../src/crypto/identity.ts";
import { ntorClientStart } from "../src/crypto/ntor.ts";
import { ntorV3ClientStart } from "../src/crypto/ntor_v3.ts";
import { X25519KeyPair } from "../src/crypto/x25519.ts";
import { ntorServerReply, ntorV3ServerReply } from "../testnet/server_handshakes.ts";

const onionSecret = new Uint8Array(32).fill(1);
const clientSecret = new Uint8Array(32).fill(2);
const serverSecret = new Uint8Array(32).fill(3);
const rsaId = new Uint8Array(20).fill(4);
const ed25519Id = new Uint8Array(32).fill(5);
const relay = {
  rsaIdentity: rsaIdentityFromBytes(rsaId),
  ed25519Identity: ed25519IdentityFromBytes(ed25519Id),
  onionKey: new X25519KeyPair(onionSecret).publicKey,
};
const request = encodeCircuitExtensions([CC_REQUEST]);
const response = encodeCircuitExtensions([ccResponse(31)]);

/** The relay's answer to the onion skin that follows from the fixed secrets. */
function replyOf(done: { readonly reply: Uint8Array } | undefined): Uint8Array {
  if (done === undefined) throw new Error("the relay has refused the handshake");
  return done.reply;
}

const ntorReply = replyOf(
  ntorServerReply(
    { id: rsaId, onionSecret },
    ntorClientStart(relay, clientSecret).onionSkin,
    serverSecret,
  ),
);
const ntorV3Reply = replyOf(
  ntorV3ServerReply(
    { id: ed25519Id, onionSecret },
    ntorV3ClientStart(relay, clientSecret, request).onionSkin,
    serverSecret,
    () => response,
  ),
);

Deno.bench("ntor: onion skin", { group: "onion skin", baseline: true }, () => {
  ntorClientStart(relay, clientSecret);
});

Deno.bench("ntor-v3: onion skin", { group: "onion skin" }, () => {
  ntorV3ClientStart(relay, clientSecret, request);
});

Deno.bench("ntor: whole client side", { group: "handshake", baseline: true }, () => {
  ntorClientStart(relay, clientSecret).complete(ntorReply);
});

Deno.bench("ntor-v3: whole client side", { group: "handshake" }, () => {
  ntorV3ClientStart(relay, clientSecret, request).complete(ntorV3Reply);
});

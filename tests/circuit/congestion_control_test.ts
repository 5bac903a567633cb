import assert from "node:assert/strict";
import { CellCommand, RelayCommand } from "../../src/cell/command.ts";
import { encodeSendme } from "../../src/cell/sendme.ts";
import { Circuit, type StreamReceiver } from "../../src/circuit/circuit.ts";
import type { CongestionObserver, CongestionSample } from "../../src/circuit/congestion_control.ts";
import { congestionControlParameters } from "../../src/circuit/congestion_control_parameters.ts";
import type { HandshakeChoice } from "../../src/circuit/hop_handshake.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { builtCircuit, NEVER, RelayEnd, testHop, testParts } from "./relay_end.ts";

const { DATA, SENDME } = RelayCommand;
const PARAMETERS = congestionControlParameters("exit");

/** A CC_RESPONSE with this increment. */
function ccResponse(increment: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(1, 2, 1, increment);
}

function wanting(index: number): HandshakeChoice {
  const { ed25519Identity } = testHop(index);
  assert.ok(ed25519Identity !== undefined);
  return { type: "ntor-v3", ed25519Identity, congestionControl: PARAMETERS };
}

/** A stream that has always more to send. */
class EndlessStream implements StreamReceiver {
  received = 0;
  readonly #circuit: Circuit;
  readonly id: number;

  constructor(circuit: Circuit) {
    this.#circuit = circuit;
    this.id = circuit.attachStream(this);
  }

  onMessage(): void {
    this.received++;
  }

  onCircuitClosed(): void {}

  onPackage(limit: number): boolean {
    for (let sent = 0; sent < limit && this.#circuit.canPackage; sent++) {
      this.#circuit.sendData(this.id, Uint8Array.of(1), 0, 1);
    }
    return true;
  }
}

/** A circuit of three hops whose exit has agreed to an increment, and what its observer saw. */
async function congestedCircuit(increment = 31) {
  const clock = new FakeClock();
  const samples: CongestionSample[] = [];
  const numbers = new Set<number>();
  let sendmesSent = 0;
  const congestionObserver: CongestionObserver = {
    onSendmeReceived: (circuit, time, sample) => {
      assert.equal(time, clock.monotonic());
      numbers.add(circuit);
      samples.push(sample);
    },
    onSendmeSent: () => sendmesSent++,
  };
  const end = new RelayEnd();
  const parts = testParts({ clock, congestionObserver });
  const creating = Circuit.create(end, testHop(0), parts, NEVER);
  end.answerCreate();
  const circuit = await creating;
  for (const index of [1, 2]) {
    if (index === 2) end.relayMessage = ccResponse(increment);
    const extending = circuit.extend(testHop(index), NEVER, index === 2 ? wanting(2) : undefined);
    end.answerExtend();
    await extending;
  }
  return { circuit, end, clock, samples, numbers, sendmesSent: () => sendmesSent };
}

Deno.test("Circuit: congestion control is what the exit has agreed to; streams have no windows then", async () => {
  const { circuit, end } = await congestedCircuit();
  assert.equal(circuit.usesStreamSendmes, false);
  assert.deepEqual(end.asked.map((message) => message?.toHex()), [undefined, undefined, "010100"]);

  const { circuit: without } = await builtCircuit();
  assert.equal(without.usesStreamSendmes, true);

  // An exit that lists it, but has it switched off.
  const refusing = new RelayEnd();
  const creating = Circuit.create(refusing, testHop(0), testParts(), NEVER, wanting(0));
  refusing.answerCreate();
  assert.equal((await creating).usesStreamSendmes, true);
  assert.equal(refusing.asked[0]?.toHex(), "010100");
});

Deno.test("Circuit: a circuit of one hop has congestion control as well", async () => {
  const end = new RelayEnd();
  end.relayMessage = ccResponse(32);
  const creating = Circuit.create(end, testHop(0), testParts(), NEVER, wanting(0));
  end.answerCreate();
  const circuit = await creating;
  assert.equal(circuit.usesStreamSendmes, false);
  const { id } = new EndlessStream(circuit);
  for (let count = 1; count <= 64; count++) {
    const digest = end.deliver(0, DATA, id, Uint8Array.of(count));
    const answers = end.takeMessages();
    assert.deepEqual(
      answers.map(({ command, body }) => [command, body.toHex()]),
      count % 32 === 0 ? [[SENDME, encodeSendme(digest).toHex()]] : [],
    );
  }
});

Deno.test("Circuit: a relay with another increment is accused, and the circuit closed", async () => {
  for (const increment of [0, 29, 33]) {
    const accused: unknown[] = [];
    const end = new RelayEnd();
    const parts = testParts({ onViolation: (relay, code) => accused.push([relay, code]) });
    const creating = Circuit.create(end, testHop(0), parts, NEVER);
    end.answerCreate();
    const circuit = await creating;
    end.relayMessage = ccResponse(increment);
    const extending = circuit.extend(testHop(1), NEVER, wanting(1));
    end.answerExtend();
    await assert.rejects(extending, { code: "circuit-handshake-failed" });
    assert.deepEqual(accused, [[testHop(1).rsaIdentity, "circuit-handshake-failed"]]);
    assert.equal(end.takeCells().at(-1)?.command, CellCommand.DESTROY);
  }
});

Deno.test("Circuit: 124 messages at first, then as the window grows with each SENDME", async () => {
  const { circuit, end, clock, samples, numbers } = await congestedCircuit();
  const stream = new EndlessStream(circuit);
  circuit.requestPackaging(stream);
  let digests: Uint8Array[] = [];
  let messages = 0;
  const take = () => {
    for (const { command, digest } of end.takeMessages()) {
      assert.equal(command, DATA);
      if (++messages % 31 === 0) digests.push(digest);
    }
  };
  take();
  assert.deepEqual([messages, circuit.canPackage], [124, false]);
  for (let round = 0; round < 5; round++) {
    clock.advance(50);
    const due = digests;
    digests = [];
    for (const digest of due) {
      const before = messages;
      end.deliver(2, SENDME, 0, encodeSendme(digest));
      take();
      // What the SENDME has answered, and what the window has grown by.
      const sample = samples[samples.length - 1];
      assert.equal(messages - before, sample.cwnd - sample.inflight);
      assert.equal(sample.rtt, 50_000);
    }
  }
  assert.ok(samples[samples.length - 1].cwnd > 600);
  assert.deepEqual([...numbers], [circuit.number]);
  assert.equal(circuit.closedBy, undefined);
});

Deno.test("Circuit: a congested channel is a sign of congestion", async () => {
  const { circuit, end, clock, samples } = await congestedCircuit();
  const stream = new EndlessStream(circuit);
  circuit.requestPackaging(stream);
  const digest = end.takeMessages()[30].digest;
  clock.advance(50);
  end.congested = true;
  end.deliver(2, SENDME, 0, encodeSendme(digest));
  assert.deepEqual(end.takeCells(), []);
  const [{ inSlowStart, isBlocked, cwnd }] = samples;
  assert.deepEqual([inSlowStart, isBlocked, cwnd], [false, true, 124 + 186]);
  end.congested = false;
  end.drain();
  assert.equal(end.takeMessages().length, 124 + 186 - 93);
});

Deno.test("Circuit: SENDMEs of congestion control must be due and right too", async () => {
  const early = await congestedCircuit();
  early.end.deliver(2, SENDME, 0, encodeSendme(new Uint8Array(20)));
  assert.match(early.circuit.closedBy?.message ?? "", /not due/);

  const wrong = await congestedCircuit();
  wrong.circuit.requestPackaging(new EndlessStream(wrong.circuit));
  const digest = wrong.end.takeMessages()[30].digest;
  digest[0] ^= 1;
  wrong.end.deliver(2, SENDME, 0, encodeSendme(digest));
  assert.match(wrong.circuit.closedBy?.message ?? "", /wrong digest/);
});

Deno.test("Circuit: each increment of DATA is answered, and the observer told", async () => {
  for (const increment of [30, 31, 32]) {
    const { circuit, end, sendmesSent } = await congestedCircuit(increment);
    const stream = new EndlessStream(circuit);
    for (let count = 1; count <= 3 * increment; count++) {
      const digest = end.deliver(2, DATA, stream.id, Uint8Array.of(count));
      const bodies = end.takeMessages().map(({ body }) => body.toHex());
      assert.deepEqual(bodies, count % increment === 0 ? [encodeSendme(digest).toHex()] : []);
    }
    assert.deepEqual([stream.received, sendmesSent()], [3 * increment, 3]);
  }
});

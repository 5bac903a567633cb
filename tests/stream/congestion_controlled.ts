/**
 * A stream on a circuit with congestion control, and what its exit sees of it.
 *
 * @module
 */
import { RelayCommand } from "../../src/cell/command.ts";
import { encodeBegin } from "../../src/cell/stream_messages.ts";
import type { Circuit } from "../../src/circuit/circuit.ts";
import {
  DEFAULT_STREAM_FLOW_CONTROL,
  type StreamFlowControlParameters,
} from "../../src/circuit/stream_flow_control_parameters.ts";
import { TorStream } from "../../src/stream/tor_stream.ts";
import { builtCircuit, type RelayEnd, type SentMessage } from "../circuit/relay_end.ts";
import { FakeClock } from "../runtime/fake_clock.ts";

/** The last of three hops. */
export const EXIT = 2;

/** Both ends of a stream, and the clock that it goes by. */
export interface ControlledStream {
  readonly circuit: Circuit;
  readonly end: RelayEnd;
  readonly clock: FakeClock;
  readonly stream: TorStream;
  readonly streamId: number;
}

/** A stream that was begun and answered. */
export async function controlledStream(
  parameters: Partial<StreamFlowControlParameters> = {},
): Promise<ControlledStream> {
  const { circuit, end } = await builtCircuit();
  Object.defineProperties(circuit, {
    usesStreamSendmes: { value: false },
    flowControl: { value: { ...DEFAULT_STREAM_FLOW_CONTROL, ...parameters } },
  });
  const clock = new FakeClock();
  const begin = encodeBegin("example.com", 80, 0);
  const stream = TorStream.begin(circuit, RelayCommand.BEGIN, begin, clock);
  const { streamId } = end.takeMessage();
  end.deliver(EXIT, RelayCommand.CONNECTED, streamId);
  await stream.connected;
  return { circuit, end, clock, stream, streamId };
}

/** The exit sends so many DATA messages of 498 bytes. */
export function deliverData({ end, streamId }: ControlledStream, count: number): void {
  for (let left = count; left > 0; left--) {
    end.deliver(EXIT, RelayCommand.DATA, streamId, new Uint8Array(498));
  }
}

/** What the client has sent for streams since the last time. */
export function takeStreamMessages({ end }: ControlledStream): SentMessage[] {
  return end.takeMessages().filter(({ streamId }) => streamId !== 0);
}

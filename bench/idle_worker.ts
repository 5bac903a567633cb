/**
 * A thread that does nothing but look at how late it is woken: at each message it answers with the
 * delays since the last.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { EventLoopDelaySampler } from "./event_loop_delay.ts";

const sampler = new EventLoopDelaySampler();
self.addEventListener("message", () => self.postMessage(sampler.take()));

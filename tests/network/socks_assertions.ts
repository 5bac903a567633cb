/**
 * What tests demand of a SOCKS port.
 *
 * @module
 */
import assert from "node:assert/strict";
import { SocksRefusal } from "./socks_client.ts";

/** Fails unless the proxy refuses; with one of these replies, if any are given. */
export async function assertRefused(
  outcome: Promise<Deno.Conn | string>,
  ...replies: number[]
): Promise<void> {
  try {
    const result = await outcome;
    if (typeof result !== "string") result.close();
  } catch (error) {
    if (!(error instanceof SocksRefusal)) throw error;
    if (replies.length > 0 && !replies.includes(error.reply)) {
      assert.fail(`the proxy replied ${error.reply}, not ${replies.join(" or ")}`);
    }
    return;
  }
  assert.fail("the proxy did not refuse");
}

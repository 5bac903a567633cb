/** What a JsonDocument's file says, without the checksum. */
import assert from "node:assert/strict";

export function savedDocument(bytes: Uint8Array): Record<string, unknown> {
  const parsed: unknown = JSON.parse(new TextDecoder().decode(bytes));
  assert.ok(typeof parsed === "object" && parsed !== null && "sha256" in parsed);
  const { sha256: _, ...rest } = parsed;
  return rest;
}

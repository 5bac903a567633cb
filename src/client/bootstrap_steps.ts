/**
 * Which phase of the start each step of channels and circuits begins.
 *
 * @module
 */
import type { ChannelStep } from "../channel/connect.ts";
import type { BuildStep } from "../circuit/circuit_builder.ts";
import type { BootstrapTracker } from "../observe/bootstrap.ts";

/** Reports a step of a channel that is being opened. */
export function reportChannelStep(bootstrap: BootstrapTracker, step: ChannelStep): void {
  switch (step) {
    case "started":
      return bootstrap.report("conn");
    case "connected":
      bootstrap.report("conn_done");
      return bootstrap.report("handshake");
    case "open":
      bootstrap.report("handshake_done");
      return bootstrap.noteConnection();
  }
}

/** Reports a step of a circuit that is being built. */
export function reportBuildStep(bootstrap: BootstrapTracker, step: BuildStep): void {
  switch (step) {
    case "one-hop":
      return bootstrap.report("onehop_create");
    case "started":
      return bootstrap.report("ap_conn");
    case "channel-open":
      bootstrap.report("ap_conn_done");
      return bootstrap.report("ap_handshake_done");
    case "first-hop":
      return bootstrap.report("circuit_create");
  }
}

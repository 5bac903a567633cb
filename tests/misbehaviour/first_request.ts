/**
 * Keeps a misbehaviour to one request or one link, so that whatever the client tries next is honest.
 *
 * @module
 */
import { behaviourOf, type Misbehaviour } from "../../testnet/behaviour.ts";

/** What is asked of a directory. */
export type Asked = "consensus" | "certificates" | "microdescriptors";

/** How the paths of requests begin. */
export const PATHS: Readonly<Record<Asked, string>> = {
  consensus: "/tor/status-vote/current/consensus-microdesc",
  certificates: "/tor/keys/",
  microdescriptors: "/tor/micro/",
};

/** A misbehaviour to be given to all directories: they misbehave at the first such request alone. */
export function onFirstRequest(misbehaviour: Misbehaviour, asked: Asked): Misbehaviour {
  const { answerDirectory } = behaviourOf(misbehaviour);
  let done = false;
  return {
    name: misbehaviour.name,
    answerDirectory(request, next) {
      if (done || !request.path.startsWith(PATHS[asked])) return next();
      done = true;
      return answerDirectory(request, next);
    },
  };
}

/** A misbehaviour to be given to all relays: they misbehave on the first link that is open alone. */
export function onFirstLink(misbehaviour: Misbehaviour): Misbehaviour {
  const { onChannelOpen } = behaviourOf(misbehaviour);
  let done = false;
  return {
    name: misbehaviour.name,
    onChannelOpen(link) {
      if (done) return;
      done = true;
      onChannelOpen(link);
    },
  };
}

/**
 * What the monitor answers to each path.
 *
 * | path           | answer                                                              |
 * | -------------- | ------------------------------------------------------------------- |
 * | `/`            | a page for people                                                    |
 * | `/metrics`     | Prometheus's text format                                             |
 * | `/healthz`     | 200 as long as the program answers at all                            |
 * | `/readyz`      | 200 if a request would be served now, else 503 and why not           |
 * | `/status.json` | all that is shown on the page, see `status_schema.ts`                |
 *
 * @module
 */
import type { MetricsOptions } from "../config/metrics_port.ts";
import { isAccepted } from "../config/access_policy.ts";
import type { ClientMetrics } from "./client_metrics.ts";
import { isBackgroundOfAnotherSite, isOurHost } from "./host_check.ts";
import { renderPage } from "./page.ts";
import { PAGE_POLICY } from "./page_policy.ts";
import type { StatusReport } from "./status_schema.ts";

/** What answers are made of. */
export interface AnswerSources {
  readonly options: Pick<MetricsOptions, "policy" | "hosts">;
  /** Undefined until there is a client. */
  readonly watched: WatchedClient | undefined;
}

/** What is told of a client. */
export interface WatchedClient {
  readonly metrics: Pick<ClientMetrics, "text" | "contentType">;
  readonly status: () => StatusReport;
}

const PLAIN = "text/plain; charset=utf-8";

/** For all answers: no other site may read, show or keep them. */
const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": PAGE_POLICY,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/**
 * Answers one request.
 *
 * @param from the IP address that it came from
 */
export async function answer(
  request: Request,
  from: string,
  sources: AnswerSources,
): Promise<Response> {
  const { status, type, text, allow } = await choose(request, from, sources);
  const headers = new Headers({ ...HEADERS, "content-type": type });
  if (allow !== undefined) headers.set("allow", allow);
  return new Response(text, { status, headers });
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly allow?: string;
}

async function choose(
  request: Request,
  from: string,
  { options, watched }: AnswerSources,
): Promise<Answer> {
  if (!isAccepted(options.policy, from)) {
    return plain(403, "MetricsPortPolicy does not accept your address.");
  }
  if (!isOurHost(request.headers.get("host"), options.hosts)) {
    return plain(
      403,
      "This is the MetricsPort of chive, under a name that it does not go by: use its IP address or " +
        "localhost, or add the name to MetricsPortHosts.",
    );
  }
  if (isBackgroundOfAnotherSite(request.headers)) {
    return plain(403, "Pages of other sites are not answered.");
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    return { ...plain(405, "Only GET and HEAD are answered."), allow: "GET, HEAD" };
  }
  const path = URL.parse(request.url)?.pathname;
  if (path === "/healthz") return plain(200, "ok");
  return watched === undefined ? plain(503, "The client is starting.") : await tell(path, watched);
}

async function tell(path: string | undefined, { metrics, status }: WatchedClient): Promise<Answer> {
  switch (path) {
    case "/":
      return { status: 200, type: "text/html; charset=utf-8", text: renderPage(status()) };
    case "/metrics":
      return { status: 200, type: metrics.contentType, text: await metrics.text() };
    case "/readyz": {
      const { ready, reason } = status().health;
      return ready ? plain(200, "ready") : plain(503, reason ?? "not ready");
    }
    case "/status.json":
      return {
        status: 200,
        type: "application/json",
        text: JSON.stringify(status(), undefined, 2) + "\n",
      };
    default:
      return plain(404, "There are /, /metrics, /healthz, /readyz and /status.json.");
  }
}

function plain(status: number, text: string): Answer {
  return { status, type: PLAIN, text: `${text}\n` };
}

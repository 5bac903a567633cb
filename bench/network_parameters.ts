/**
 * What the consensus of the network says in which the benchmarks are run.
 *
 * @module
 */

/**
 * Those parameters of the Tor network's consensus of 2024-05-17 that say how fast a circuit is:
 * how often relays send (KIST), how congestion control reacts, and how long queues may grow. C tor's
 * defaults in code differ: with them relays of an idle machine send every 10 ms only.
 */
export const NETWORK_PARAMETERS: Readonly<Record<string, number>> = {
  KISTSchedRunInterval: 3,
  UseOptimisticData: 1,
  cc_alg: 2,
  cc_cwnd_full_gap: 4,
  cc_cwnd_full_minpct: 25,
  cc_cwnd_inc: 1,
  cc_cwnd_inc_rate: 31,
  cc_cwnd_min: 124,
  cc_sscap_exit: 600,
  cc_vegas_alpha_exit: 186,
  cc_vegas_delta_exit: 310,
  circ_max_cell_queue_size: 1250,
  circ_max_cell_queue_size_out: 1000,
  cfx_low_exit_threshold: 5000,
};

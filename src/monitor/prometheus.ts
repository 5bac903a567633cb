/**
 * The parts of the Prometheus client library that are used, with their types: importing the whole
 * library costs twice the time and memory.
 *
 * @module
 */
import type {
  Counter as CounterType,
  Gauge as GaugeType,
  Histogram as HistogramType,
  Registry as RegistryType,
} from "prom-client";
import counterModule from "prom-client/lib/counter.js";
import gaugeModule from "prom-client/lib/gauge.js";
import histogramModule from "prom-client/lib/histogram.js";
import registryModule from "prom-client/lib/registry.js";

/** Metrics that are shown together. */
export const Registry: typeof RegistryType = registryModule;
/** A number that only grows. */
export const Counter: typeof CounterType = counterModule;
/** A number that goes up and down. */
export const Gauge: typeof GaugeType = gaugeModule;
/** How often a number was in which range. */
export const Histogram: typeof HistogramType = histogramModule;

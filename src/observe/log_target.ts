/**
 * Which lines go where.
 *
 * @module
 */
import { LOG_LEVELS, type LogCategory, type LogLevel } from "./log.ts";

/** Some lines, by what they are about and how severe they are. */
export interface LogSelection {
  /** The least severe level. */
  readonly level: LogLevel;
  /** The most severe level; `err` unless a range was given. */
  readonly mostSevere: LogLevel;
  /** What the lines are about; undefined: everything. */
  readonly categories?: readonly LogCategory[];
}

/** Where lines of which levels go (C tor: Log). */
export interface LogTarget extends LogSelection {
  /** More lines that go there. */
  readonly also?: readonly LogSelection[];
  /** A file is appended to; its path is taken as it is. */
  readonly sink: { readonly kind: "stdout" | "stderr" } | {
    readonly kind: "file";
    readonly path: string;
  };
}

/** Whether a line goes to the target. */
export function isWanted(target: LogTarget, category: string, level: LogLevel): boolean {
  return selections(target).some((selection) =>
    isAbout(selection, category) &&
    severity(level) >= severity(selection.level) &&
    severity(level) <= severity(selection.mostSevere)
  );
}

/** The least severe level of a category that the target takes; undefined: none. */
export function lowestLevel(target: LogTarget, category: string): LogLevel | undefined {
  const levels = selections(target).filter((selection) => isAbout(selection, category))
    .map(({ level }) => severity(level));
  return levels.length === 0 ? undefined : LOG_LEVELS[Math.min(...levels)];
}

function selections(target: LogTarget): readonly LogSelection[] {
  return target.also === undefined ? [target] : [target, ...target.also];
}

function isAbout({ categories }: LogSelection, category: string): boolean {
  return categories === undefined || categories.some((each) => each === category);
}

function severity(level: LogLevel): number {
  return LOG_LEVELS.indexOf(level);
}

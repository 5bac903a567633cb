/**
 * Pieces of HTML that cannot be broken by what is put into them.
 *
 * @module
 */

/** Finished HTML. */
export class Markup {
  readonly text: string;

  /** @param text is taken as it is */
  constructor(text: string) {
    this.text = text;
  }
}

/** What can stand in a template: HTML as it is, several of it, or text, which is escaped. */
export type Content = Markup | readonly Markup[] | string | number;

/** HTML from a template; what is put in is escaped unless it is HTML already. */
export function markup(parts: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  return new Markup(
    parts.map((part, index) => part + (index < contents.length ? show(contents[index]) : ""))
      .join(""),
  );
}

function show(content: Content): string {
  if (content instanceof Markup) return content.text;
  if (typeof content === "object") return content.map(({ text }) => text).join("");
  return escapeText(String(content));
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text for HTML, also within quoted attributes. */
export function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character]);
}

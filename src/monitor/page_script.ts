/**
 * What runs in the browser: it fetches the page again and again and puts the new one in the place of
 * the old one. Without it the page loads itself anew.
 *
 * @module
 */

/** The script of the page. */
export const PAGE_SCRIPT = `
const update = async () => {
  try {
    if (String(getSelection()) === "" && !document.hidden) {
      const answer = await fetch("/", { cache: "no-store" });
      if (!answer.ok) throw new Error(answer.statusText);
      const next = new DOMParser().parseFromString(await answer.text(), "text/html");
      document.title = next.title;
      document.body.replaceChildren(...next.body.children);
    }
    document.documentElement.classList.remove("lost");
  } catch {
    document.documentElement.classList.add("lost");
  }
  setTimeout(update, 2000);
};
setTimeout(update, 2000);
`;

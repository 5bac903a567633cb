/**
 * How the page looks, in the light and in the dark, on a desk and on a phone.
 *
 * @module
 */

/** The style of the page. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --back: #f5f6f8; --card: #fff; --text: #1b1f27; --dim: #5c6472; --edge: #dde1e7; --chip: #eef0f4;
  --read: #1d5fd6; --written: #b4470b; --good: #12703b; --warn: #8a5a00; --bad: #b3261e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #12151b; --card: #1b2029; --text: #e7eaf0; --dim: #9aa4b5; --edge: #303846; --chip: #272e3a;
    --read: #6ea8ff; --written: #ff9d5c; --good: #5fd08d; --warn: #f0bd55; --bad: #ff8a80;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1rem; max-width: 68rem; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif;
}
html { background: var(--back); }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem .9rem; margin-bottom: 1rem; }
h1 { font-size: 1.5rem; margin: 0; }
h2 { font-size: 1rem; margin: 0 0 .6rem; }
p { margin: .2rem 0; }
.dim, small { color: var(--dim); }
.pill { border: 1px solid; border-radius: 1rem; padding: 0 .7rem; font-weight: 600; }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
.lost-note { display: none; } .lost .lost-note { display: block; }
.lost header, .lost main { opacity: .5; }
main { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1rem; }
section { background: var(--card); border: 1px solid var(--edge); border-radius: .6rem; padding: 1rem; min-width: 0; }
.wide { grid-column: 1 / -1; }
progress { width: 100%; height: .8rem; accent-color: var(--read); }
figure { margin: 0; }
figcaption { display: flex; flex-wrap: wrap; gap: 0 1.2rem; }
figcaption span::before { content: ""; display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .4em; background: currentColor; }
.plot { position: relative; margin-top: .4rem; }
.plot svg { display: block; width: 100%; height: 9rem; }
.top { position: absolute; right: .3rem; top: .2rem; font-size: .8rem; color: var(--dim); }
.times { display: flex; justify-content: space-between; font-size: .8rem; color: var(--dim); }
.grid { stroke: var(--edge); fill: none; vector-effect: non-scaling-stroke; }
.read { color: var(--read); } .written { color: var(--written); }
.line { stroke: currentColor; fill: none; stroke-width: 1.6; vector-effect: non-scaling-stroke; }
.area { fill: currentColor; opacity: .14; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: .7rem 1rem; margin: 0; }
dt { font-size: .8rem; color: var(--dim); } dd { margin: 0; font-size: 1.15rem; font-weight: 600; overflow-wrap: anywhere; }
ul { list-style: none; margin: 0; padding: 0; }
li { padding: .5rem 0; border-top: 1px solid var(--edge); overflow-wrap: anywhere; }
li:first-child { border-top: 0; padding-top: 0; }
.row { display: flex; flex-wrap: wrap; justify-content: space-between; gap: .2rem 1rem; }
.hops { display: flex; flex-wrap: wrap; align-items: center; gap: .3rem; }
.hop { background: var(--chip); border-radius: .4rem; padding: .05rem .5rem; }
.hop small { margin-left: .35rem; }
.number { min-width: 2.2em; }
.step { display: inline-flex; gap: .3rem; max-width: 100%; }
.arrow { color: var(--dim); }
@media (max-width: 44rem) { main { grid-template-columns: minmax(0, 1fr); } body { padding: .7rem; } }
`;

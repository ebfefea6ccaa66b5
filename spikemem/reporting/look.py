"""Style sheet and script of a page."""

from __future__ import annotations

__all__ = ["SCRIPT", "STYLE"]

STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1040px; padding: 16px 20px 64px; background: #fff;
  color: #1f2933; font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 12px 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; margin: 40px 0 8px; padding-top: 12px; border-top: 2px solid #1f2933;
  overflow-wrap: anywhere; }
h3 { font-size: 1.05rem; margin: 0 0 2px; overflow-wrap: anywhere; }
p { margin: 4px 0; overflow-wrap: anywhere; }
a { color: #00558a; }
.lead, .note, footer { color: #4b5563; }
.note { font-size: 0.88rem; }
nav { margin: 16px 0; padding: 10px 14px; background: #f3f4f6; border-radius: 6px; }
nav h2 { font-size: 1rem; margin: 0; padding: 0; border: 0; }
nav ul { margin: 2px 0; padding-left: 18px; }
nav > ul > li { margin-top: 4px; }
nav ul ul { columns: 3 200px; font-size: 0.92rem; }
section.panel { margin: 28px 0 0; }
figure { margin: 6px 0 0; }
.chart { min-height: 40px; width: 100%; }
img { max-width: 100%; height: auto; }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; font-size: 0.92rem; margin: 6px 0; }
th, td { text-align: left; vertical-align: top; padding: 3px 14px 3px 0;
  border-bottom: 1px solid #e5e7eb; max-width: 60em; }
td { min-width: 3em; }
.facts th { font-weight: 400; color: #4b5563; white-space: nowrap; }
.facts td { overflow-wrap: anywhere; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 14px; margin: 4px 0 0;
  padding: 0; font-size: 0.88rem; }
.legend button { font: inherit; color: inherit; background: none; border: 0; padding: 4px 2px;
  cursor: pointer; }
.legend button[aria-pressed="false"] { text-decoration: line-through; color: #6b7280; }
.legend i { display: inline-block; width: 18px; border-top: 4px; margin-right: 6px;
  vertical-align: middle; }
progress { width: 240px; max-width: 100%; height: 16px; accent-color: #00755a; }
pre { overflow-x: auto; background: #f3f4f6; padding: 10px; border-radius: 6px;
  font-size: 0.85rem; }
summary { cursor: pointer; color: #00558a; margin: 8px 0; }
#live { position: sticky; top: 0; z-index: 5; background: #fff4d6; border: 1px solid #c98a00;
  border-radius: 6px; padding: 6px 12px; margin: 8px 0; }
#live button { font: inherit; margin-left: 8px; }
.failed { color: #a33a00; }
@media (max-width: 600px) {
  body { padding: 8px 12px 48px; font-size: 15px; }
  .facts th { white-space: normal; }
  .legend button { padding: 8px 4px; }
}
@media print { nav, #live { display: none; } section.panel { break-inside: avoid; } }
"""

SCRIPT = """
(function () {
  "use strict";
  const plots = new Map();
  const key = "spikemem report " + location.pathname;
  const every = Number(document.body.dataset.refresh || 0);
  const touch = matchMedia("(pointer: coarse)").matches;
  let kept = {};
  if (every) {
    try { kept = JSON.parse(sessionStorage.getItem(key)) || {}; } catch (e) { kept = {}; }
  }

  function ends(model) {
    const x = model.x_range, y = model.y_range;
    return [x.start, x.end, y.start, y.end];
  }

  function remember() {
    const zoomed = {};
    for (const [name, plot] of plots) {
      const now = ends(plot.model);
      if (now.some((end, k) => end !== plot.first[k])) zoomed[name] = now;
    }
    try { sessionStorage.setItem(key, JSON.stringify(zoomed)); } catch (e) { /* no storage */ }
  }

  function restore(name, model) {
    const now = kept[name];
    if (!now || now.some((end) => !Number.isFinite(end))) return;
    model.x_range.setv({start: now[0], end: now[1]});
    model.y_range.setv({start: now[2], end: now[3]});
  }

  async function draw(item) {
    const name = item.dataset.for;
    const box = document.getElementById(name);
    try {
      const views = await Bokeh.embed.embed_item(JSON.parse(item.textContent), name);
      const model = Array.from(views)[0].model;
      // A finger that drags shall scroll the page.
      if (touch) for (const tool of model.toolbar.tools) if (tool.active) tool.active = false;
      plots.set(name, {model: model, first: ends(model)});
      restore(name, model);
      box.dataset.drawn = "true";
    } catch (error) {
      box.textContent = "This picture could not be drawn: " + error;
      box.className = "failed";
    }
  }

  document.addEventListener("click", function (event) {
    const button = event.target.closest(".legend button");
    if (!button) return;
    const shown = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(shown));
    const plot = plots.get(button.dataset.chart);
    if (!plot) return;
    for (const renderer of plot.model.renderers) {
      if (renderer.tags.includes(Number(button.dataset.series))) renderer.visible = shown;
    }
  });

  function again() {
    const pause = document.getElementById("pause");
    let paused = false;
    if (pause) pause.addEventListener("click", function () {
      paused = !paused;
      pause.textContent = paused ? "Go on" : "Pause";
    });
    setInterval(function () {
      if (paused || document.hidden || document.querySelector(".chart:active")) return;
      remember();
      location.reload();
    }, 1000 * every);
  }

  async function main() {
    for (const item of document.querySelectorAll("script.plot")) {
      await draw(item);
      await new Promise((done) => setTimeout(done, 0));
    }
    document.body.dataset.ready = "true";
  }

  main().then(function () { if (every) again(); });
})();
"""

// The console without being loaded again: the server sends the part that changes, and what is another than before is exchanged.
"use strict";

(() => {
  const board = document.querySelector("[data-board]");
  const pill = document.querySelector("[data-live-state]");
  if (!board || !pill || !window.EventSource) return;

  // Said are the words of the page: live, late, over.
  const state = (word) => {
    const words = pill.dataset[word];
    pill.hidden = false;
    if (pill.textContent !== words) pill.textContent = words;
    pill.className = word === "live" ? "pill good" : "pill";
  };

  // Two parts are alike while they have the same cells; then the cells alone are exchanged, so that neither layout nor focus
  // moves.
  const cells = (root) => [...root.querySelectorAll("[data-cell]")];
  const names = (root) => cells(root).map((cell) => cell.dataset.cell).join("\n");
  const focused = (root) => (root.contains(document.activeElement) ? document.activeElement.dataset.key || document.activeElement.id : "");

  const exchange = (old, fresh) => {
    if (old.innerHTML === fresh.innerHTML && old.className === fresh.className) return;
    const key = focused(old);
    old.className = fresh.className;
    old.innerHTML = fresh.innerHTML;
    if (!key) return;
    const again = [...old.querySelectorAll("[data-key]")].find((one) => one.dataset.key === key) || old.querySelector("a, button, summary");
    if (again) again.focus();
  };

  const show = (html) => {
    const holder = document.createElement("template");
    holder.innerHTML = html;
    for (const fresh of holder.content.querySelectorAll("[data-part]")) {
      const old = board.querySelector('[data-part="' + fresh.dataset.part + '"]');
      if (!old) { board.replaceChildren(holder.content); return; }
      // What a person has opened stays open.
      const open = [...old.querySelectorAll("details[open]")].map((one) => one.dataset.key);
      for (const one of fresh.querySelectorAll("details")) if (open.includes(one.dataset.key)) one.open = true;
      if (cells(fresh).length === 0) {
        if (old.outerHTML !== fresh.outerHTML) old.replaceWith(fresh);
        continue;
      }
      if (names(old) !== names(fresh)) { exchange(old, fresh); continue; }
      const before = cells(old);
      for (const [index, cell] of cells(fresh).entries()) exchange(before[index], cell);
    }
  };

  // The server ends each stream after a while, and the browser comes again by itself: that is no news.
  const LATE_AFTER_MS = 5000;
  let source = null;
  let late = 0;
  const listen = () => {
    source = new EventSource(board.dataset.board);
    source.addEventListener("open", () => { clearTimeout(late); late = 0; state("live"); });
    source.addEventListener("board", (event) => show(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) state("over");
      else if (!late) late = setTimeout(() => state("late"), LATE_AFTER_MS);
    });
  };
  // A page that is not seen asks for nothing.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && source) {
      source.close();
      source = null;
    } else if (!document.hidden && !source) {
      listen();
    }
  });
  listen();
})();

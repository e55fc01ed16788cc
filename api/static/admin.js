// Makes staff pages quicker to work with. Everything works without it.
"use strict";

// A link that is shown once is chosen whole by a click.
for (const field of document.querySelectorAll("[data-select]")) field.addEventListener("focus", () => field.select());

// The bar of actions is there while something is chosen.
const bar = document.querySelector("[data-actions]");
const table = document.querySelector(".admin-table");
if (bar && table) {
  const all = table.querySelector("[data-pick-all]");
  const picks = [...table.querySelectorAll("tbody .admin-pick input")];
  const told = bar.querySelector("[data-picked]");
  const show = () => {
    const count = picks.filter((pick) => pick.checked).length;
    bar.hidden = count === 0;
    if (told) told.textContent = count + " chosen";
    if (all) {
      all.checked = count > 0 && count === picks.length;
      all.indeterminate = count > 0 && count < picks.length;
    }
  };
  if (all) all.addEventListener("change", () => { for (const pick of picks) pick.checked = all.checked; show(); });
  table.addEventListener("change", show);
  window.addEventListener("pageshow", show);
  show();
}

// j and k go through the rows, x chooses one, enter opens it, / goes to the search.
let at = -1;
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=checkbox]), select, textarea");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const search = document.querySelector("[data-search]");
  if (event.key === "/" && search) {
    event.preventDefault();
    search.focus();
    return;
  }
  const rows = table ? [...table.querySelectorAll("tbody tr")] : [];
  if (rows.length === 0) return;
  if (event.key === "j" || event.key === "k") {
    if (rows[at]) rows[at].classList.remove("admin-at");
    at = Math.max(0, Math.min(rows.length - 1, at + (event.key === "j" ? 1 : -1)));
    rows[at].classList.add("admin-at");
    rows[at].scrollIntoView({ block: "nearest" });
  } else if (event.key === "x" && rows[at]) {
    const pick = rows[at].querySelector(".admin-pick input");
    if (pick) pick.click();
  } else if (event.key === "Enter" && rows[at] && !event.target.closest("a, button, input")) {
    const link = rows[at].querySelector("a");
    if (link) link.click();
  }
});

"use strict";
// Filters, folds and copies. Everything that it hides is there without it.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const byId = (id) => document.getElementById(id);
  document.documentElement.classList.add("script");

  const find = byId("find");
  const boxes = all(".filters input");
  const areas = all("#matrix .fold-area").map((button) => {
    const rows = button.closest("tbody").nextElementSibling;
    return { button, head: button.closest("tbody"), rows, lines: all("tr", rows) };
  });
  const points = all(".points tbody.rows").map((rows) => ({ rows, head: rows.previousElementSibling }));

  const update = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    const filtered = words.length > 0 || wanted.size < boxes.length;
    const fits = (line) => words.every((word) => (line.dataset.find || "").includes(word));
    let shown = 0;
    for (const area of areas) {
      let some = 0;
      for (const line of area.lines) {
        const cells = all("[data-verdict]", line);
        const note = line.classList.contains("note");
        const fit = note ? !filtered : fits(line) && cells.some((cell) => wanted.has(cell.dataset.verdict));
        line.hidden = !fit;
        some += fit ? 1 : 0;
      }
      area.head.hidden = some === 0;
      area.rows.hidden = some === 0 || !(filtered || area.button.getAttribute("aria-expanded") === "true");
      shown += some;
    }
    if (byId("nothing")) byId("nothing").hidden = shown > 0;
    for (const group of points) {
      let some = 0;
      for (const line of all("tr", group.rows)) {
        line.hidden = !fits(line);
        some += line.hidden ? 0 : 1;
      }
      group.rows.hidden = group.head.hidden = some === 0;
    }
  };

  for (const area of areas) {
    area.button.addEventListener("click", () => {
      const open = area.button.getAttribute("aria-expanded") === "true";
      area.button.setAttribute("aria-expanded", String(!open));
      update();
    });
  }
  const fold = byId("fold");
  if (fold) {
    fold.hidden = false;
    fold.addEventListener("click", () => {
      const open = areas.some((area) => area.button.getAttribute("aria-expanded") !== "true");
      areas.forEach((area) => area.button.setAttribute("aria-expanded", String(open)));
      fold.textContent = open ? "Fold all" : "Unfold all";
      update();
    });
  }
  boxes.forEach((box) => box.addEventListener("change", update));
  find.addEventListener("input", update);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== find) {
      event.preventDefault();
      find.focus();
    } else if (event.key === "Escape" && document.activeElement === find) {
      find.value = "";
      update();
    }
  });

  // A link into a folded failure unfolds it.
  const unfold = () => {
    const target = location.hash.length > 1 && byId(location.hash.slice(1));
    const folded = target && (target.matches("details") ? target : target.closest("details"));
    if (folded) {
      folded.open = true;
      target.scrollIntoView();
    }
  };
  window.addEventListener("hashchange", unfold);

  for (const button of all(".copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const code = button.previousElementSibling;
      let copied = false;
      try {
        await navigator.clipboard.writeText(code.textContent);
        copied = true;
      } catch {
        const range = document.createRange();
        range.selectNodeContents(code);
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        copied = document.execCommand("copy");
      }
      button.textContent = copied ? "Copied" : "Press Ctrl+C";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
  }

  update();
  unfold();
})();

"use strict";
// The pages work without this: it copies, runs the clock, and brings live
// pages up to date.

document.addEventListener("click", async (e) => {
  const button = e.target.closest("[data-copy]");
  if (!button) return;
  const text = button.closest(".copy").querySelector("pre, code").textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Not a secure address (the sandbox in a local network): the old way.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  const words = button.textContent;
  button.textContent = "скопировано";
  setTimeout(() => { button.textContent = words; }, 1500);
});

// What was said is said once.
if (location.search.includes("said=")) {
  const u = new URL(location.href);
  u.searchParams.delete("said");
  history.replaceState(null, "", u);
}

const clock = document.querySelector("[data-clock]");
if (clock) {
  const ahead = Number(clock.dataset.clock) - Date.now();
  const two = (n) => String(n).padStart(2, "0");
  setInterval(() => {
    const t = new Date(Date.now() + ahead + 3 * 3600e3); // Moscow
    clock.textContent = `${two(t.getUTCDate())}.${two(t.getUTCMonth() + 1)} ${two(t.getUTCHours())}:${two(t.getUTCMinutes())}:${two(t.getUTCSeconds())}`;
  }, 1000);
}

// A live page is asked for again every two seconds, unless a person is busy
// with it.
const main = document.querySelector("main[data-live]");
if (main) {
  let last = main.innerHTML, filled = false;
  main.addEventListener("input", () => { filled = true; });
  main.addEventListener("click", (e) => {
    const details = e.target.closest("summary")?.parentElement;
    if (details) details.dataset.touched = "";
  });
  setInterval(async () => {
    const busy = filled || document.hidden || main.querySelector("details[open][data-touched], input:focus, select:focus") || String(getSelection()) !== "";
    if (busy) return;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
      if (!next) return;
      if (last !== next.innerHTML) {
        main.innerHTML = next.innerHTML;
      }
      last = next.innerHTML;
    } catch { /* the sandbox was stopped */ }
  }, 2000);
}

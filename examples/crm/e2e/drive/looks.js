// What a careful eye sees on a page: it gives a list of faults, in words.
((allowed) => {
  const faults = [];
  const html = document.documentElement;
  const width = html.clientWidth;
  const name = (e) => {
    const id = e.id ? "#" + e.id : "", cls = typeof e.className === "string" && e.className ? "." + e.className.trim().split(/\s+/).join(".") : "";
    return e.tagName.toLowerCase() + id + cls;
  };
  const style = new Map();
  const css = (e) => { if (!style.has(e)) style.set(e, getComputedStyle(e)); return style.get(e); };
  const shown = (e) => e.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  // above: it lies over the page on purpose.
  const above = (e) => { for (; e; e = e.parentElement) if (["fixed", "sticky"].includes(css(e).position)) return true; return false; };
  // clip is the part of a rectangle that its scrolling ancestors let be seen.
  const clip = (r, e) => {
    let box = { left: r.left, top: r.top, right: r.right, bottom: r.bottom };
    for (; e && e !== html; e = e.parentElement) {
      const s = css(e);
      if (s.overflowX === "visible" && s.overflowY === "visible") continue;
      const o = e.getBoundingClientRect();
      box = { left: Math.max(box.left, o.left), top: Math.max(box.top, o.top), right: Math.min(box.right, o.right), bottom: Math.min(box.bottom, o.bottom) };
    }
    return box.right - box.left > 1 && box.bottom - box.top > 1 ? box : null;
  };

  // 1. The page is not wider than the screen.
  if (html.scrollWidth > width + 1) {
    const wide = [...document.body.querySelectorAll("*")].filter((e) => shown(e) && e.getBoundingClientRect().right > width + 1 && clip(e.getBoundingClientRect(), e.parentElement)?.right > width + 1);
    faults.push(`the page is ${html.scrollWidth} wide on a screen of ${width}: ${wide.slice(0, 4).map(name).join(", ")}`);
  }
  // 2. The menu is seen whole.
  for (const nav of document.querySelectorAll("header nav, nav.choices")) {
    if (nav.scrollWidth > nav.clientWidth + 1) faults.push(`${name(nav)} hides a part of itself: ${nav.scrollWidth} in ${nav.clientWidth}`);
  }
  // 3. No text lies on another text, a field, a button or a picture.
  const boxes = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) {
    const node = walker.currentNode, e = node.parentElement;
    if (!node.data.trim() || ["SCRIPT", "STYLE", "OPTION", "TEXTAREA"].includes(e.tagName) || !shown(e)) continue;
    texts.push([node, e]);
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const r of range.getClientRects()) {
      const box = clip(r, e);
      if (box && !above(e)) boxes.push({ box, e, what: JSON.stringify(node.data.trim().slice(0, 30)) });
    }
  }
  for (const e of document.body.querySelectorAll("input:not([type=hidden]), select, textarea, img, svg")) {
    if (!shown(e) || above(e)) continue;
    const box = clip(e.getBoundingClientRect(), e.parentElement);
    if (box) boxes.push({ box, e, what: name(e) });
  }
  for (let i = 0; i < boxes.length; i++) {
    for (let j = i + 1; j < boxes.length; j++) {
      const a = boxes[i], b = boxes[j];
      if (a.e === b.e) continue;
      const w = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left), h = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
      // Lines of a text stand closer than their boxes are high.
      if (w > 2 && h > 6) faults.push(`${a.what} and ${b.what} overlap by ${Math.round(w)}×${Math.round(h)}`);
    }
  }
  // 4. A button shows the whole of what it says.
  for (const e of document.body.querySelectorAll("button, .button, .pill, .badge")) {
    if (shown(e) && e.scrollWidth > e.clientWidth + 2 && css(e).display !== "inline") faults.push(`${name(e)} hides a part of its words`);
  }
  // No word is broken in two: a date, a name. Long codes may be.
  for (const [node, e] of texts) {
    if (e.closest("code, pre, .code, .link, .path, .exchange, .facts td, .paper")) continue;
    for (const m of node.data.matchAll(/[\p{L}\d.,:]{3,24}/gu)) {
      const range = document.createRange();
      range.setStart(node, m.index);
      range.setEnd(node, m.index + m[0].length);
      const tops = [...range.getClientRects()].filter((r) => r.width > 0).map((r) => r.top);
      const inside = node.data.slice(Math.max(0, m.index - 1), m.index + m[0].length + 1);
      if (tops.length > 1 && Math.max(...tops) - Math.min(...tops) > 6 && !/[-_/=?&@]/.test(inside)) faults.push(`${m[0]} is broken in two`);
    }
  }
  // 5. The words are Russian, but for names and what machines say.
  const known = new Set(allowed.map((w) => w.toLowerCase()));
  const foreign = (text, where) => {
    for (const word of text.split(/[\s«»“”"„()[\],;:!?·…]+/)) {
      if (/[@/_\\=+<>{}*]|\.\w|\d/.test(word)) continue; // addresses, numbers, codes
      for (const part of word.split(/[-–—.]+/)) {
        if (/^[A-Za-z]{3,}$/.test(part) && !known.has(part.toLowerCase())) faults.push(`not Russian: ${part} in ${where} (${text.trim().slice(0, 60)})`);
      }
    }
  };
  for (const [node, e] of texts) {
    if (!e.closest("code, pre, .code, .link, .path, [lang=en], .exchange")) foreign(node.data, name(e));
  }
  for (const e of document.body.querySelectorAll("[placeholder], [title], [aria-label], [alt]")) {
    for (const a of ["placeholder", "title", "aria-label", "alt"]) if (e.hasAttribute(a)) foreign(e.getAttribute(a), name(e) + "@" + a);
  }
  if (!document.title.trim()) faults.push("no title");
  foreign(document.title, "title");
  // 6. Templates left nothing behind. The letters of a drawn QR code may spell anything.
  const markup = html.outerHTML.replace(/data:[a-z]+\/[a-z+.-]+;base64,[A-Za-z0-9+/=]*/g, "data:");
  for (const bad of ["<no value>", "&lt;no value&gt;", "%!", "ZgotmplZ", "{{", "map[", "<nil>", "&lt;nil&gt;", "&amp;quot;", "&amp;lt;", "undefined", "NaN"]) {
    if (markup.includes(bad)) faults.push(`the markup has ${bad}`);
  }
  // 7. What is needed to use a page without eyes or with a thumb.
  for (const e of document.body.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    if (shown(e) && !e.labels?.length && !e.getAttribute("aria-label") && !e.placeholder) faults.push(`${name(e)} has no label`);
  }
  for (const e of document.body.querySelectorAll("img:not([alt])")) faults.push(`${name(e)} has no alt`);
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of new Set(ids.filter((x, i) => ids.indexOf(x) !== i))) faults.push(`two elements have the id ${id}`);
  return [...new Set(faults)];
})

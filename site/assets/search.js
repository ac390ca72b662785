// Searches the archive's own files, month by month, newest first: every word of the query must stand in the title or the
// summary, or, when asked, in the text. Nothing leaves the reader's machine.
"use strict";

const form = document.getElementById("search");
const found = document.getElementById("found");
const results = document.getElementById("results");
const more = document.getElementById("more");
const enough = 50;

const folded = (text) => text.normalize("NFKC").toLowerCase();
const load = async (url) => {
  const reply = await fetch(url);
  if (!reply.ok) throw new Error(`${url}: ${reply.status}`);
  return reply.json();
};

function element(name, attributes, ...children) {
  const node = Object.assign(document.createElement(name), attributes);
  node.append(...children);
  return node;
}

// The words marked where they stand; folding can change a text's length, so every folded character knows its place.
function marked(text, words) {
  let low = "";
  const places = [];
  for (let place = 0; place < text.length; place += 1) {
    const characters = folded(text[place]);
    low += characters;
    for (let count = 0; count < characters.length; count += 1) places.push(place);
  }
  const parts = [];
  let [from, at] = [0, 0];
  for (;;) {
    const starts = words.map((word) => low.indexOf(word, at));
    const start = Math.min(...starts.filter((found) => found !== -1));
    if (!Number.isFinite(start)) return [...parts, text.slice(from)];
    at = start + words[starts.indexOf(start)].length;
    const end = places[at - 1] + 1;
    parts.push(text.slice(from, places[start]), element("mark", {}, text.slice(places[start], end)));
    from = end;
  }
}

function excerpt(text, words) {
  const at = Math.min(...words.map((word) => folded(text).indexOf(word)).filter((start) => start !== -1));
  if (!Number.isFinite(at)) return "";
  const start = Math.max(0, at - 30);
  return (start ? "…" : "") + text.slice(start, at + 70) + "…";
}

function card({ url, title, date, summary }, text, words) {
  const says = text === undefined ? summary : excerpt(text, words) || summary;
  return element("article", { className: "card" }, element("div", {},
    element("h2", {}, element("a", { href: url }, ...marked(title, words))),
    element("p", {}, ...marked(says, words)),
    element("p", { className: "when" }, element("time", { dateTime: date.replace(" ", "T") }, date))));
}

async function* matches(words, full) {
  const months = await load(form.dataset.index);
  for (const { month } of months) {
    found.textContent = `正在查 ${month} …`;
    const base = `${form.dataset.root}search/${month}`;
    const [shown, texts] = await Promise.all([load(`${base}.json`), full ? load(`${base}.text.json`) : []]);
    for (const [index, entry] of shown.entries()) {
      const text = folded([entry.title, entry.summary, texts[index] ?? ""].join("\n"));
      if (words.every((word) => text.includes(word))) yield card(entry, texts[index], words);
    }
  }
}

async function search() {
  const asked = new URLSearchParams(location.search);
  form.elements.q.value = asked.get("q") ?? "";
  form.elements.full.checked = asked.has("full");
  const words = folded(form.elements.q.value).split(/\s+/).filter(Boolean);
  if (!words.length) return;

  const hits = matches(words, form.elements.full.checked);
  let count = 0;
  const go = async () => {
    more.hidden = true;
    for (const stop = count + enough; count < stop; count += 1) {
      const { value, done } = await hits.next();
      if (done) {
        found.textContent = count ? `找到 ${count} 篇。` : "没有找到。";
        if (!count && !asked.has("full")) {
          asked.set("full", "1");
          found.replaceChildren("标题和摘要里没有找到。", element("a", { href: `?${asked}` }, "到正文里找"));
        }
        return;
      }
      results.append(value);
    }
    found.textContent = `最近的 ${count} 篇：`;
    more.hidden = false;
  };
  const run = () => go().catch((error) => { found.textContent = `搜索出错：${error.message}`; });
  more.addEventListener("click", run);
  await run();
}

search();

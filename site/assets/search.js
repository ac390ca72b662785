// Searches the archive's own files, block by block, newest first: every word of the query must be in the title or the summary
// or, when asked, in the text; a date must be the article's. Where search_index.py has made an index, only blocks that have all
// words are loaded. Nothing leaves the reader's machine.
"use strict";

const form = document.getElementById("search");
const found = document.getElementById("found");
const results = document.getElementById("results");
const more = document.getElementById("more");
const enough = 20;
const simplified = new Map();

const folded = (text) => Array.from(text.normalize("NFKC").toLowerCase(), (it) => simplified.get(it) ?? it).join("");
const get = async (url) => {
  const reply = await fetch(url);
  if (!reply.ok) throw new Error(`${url}: ${reply.status}`);
  return reply;
};
const load = async (url) => (await get(url)).json();

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

function card({ url, title, date, summary, thumbnail }, text, words) {
  const says = text === undefined ? summary : excerpt(text, words) || summary;
  const image = thumbnail ? [element("img", { src: thumbnail, alt: "", loading: "lazy" })] : [];
  return element("article", { className: "card" }, ...image, element("div", {},
    element("h2", {}, element("a", { href: url }, ...marked(title, words))),
    element("p", {}, ...marked(says, words)),
    element("p", { className: "when" }, element("time", { dateTime: date.replace(" ", "T") }, date))));
}

// The numbers in a list of the index: search_index.py says how they are written.
function decoded(text) {
  const numbers = [];
  let [number, step, factor] = [0, 0, 1];
  for (let at = 0; at < text.length; at += 1) {
    const digit = text.charCodeAt(at) - 48;
    step += (digit % 32) * factor;
    factor *= 32;
    if (digit < 32) {
      number += step;
      numbers.push(number);
      [step, factor] = [0, 1];
    }
  }
  return numbers;
}

// The numbers of the articles that have all pairs of the words, by block; nothing where only reading them can tell.
async function candidates(words, full, { pieces, size }) {
  const parts = words.flatMap((word) => word.split(/[^\p{L}\p{N}_]+/u)).map((part) => Array.from(part));
  const pairs = new Set(parts.flatMap((part) => part.slice(1).map((it, at) => part[at] + it)));
  if (!pieces || !pairs.size) return undefined;
  const lists = await Promise.all(Array.from(pairs, async (pair) => {
    const [one, other] = Array.from(pair, (it) => it.codePointAt(0));
    const piece = await load(`${form.dataset.root}search/pairs/${(one * 31 + other) % pieces}.json`);
    return decoded(piece[pair] ?? "").filter((it) => full || it % 2).map((it) => Math.floor(it / 2));
  }));
  const [shortest, ...others] = lists.sort((one, other) => one.length - other.length);
  const sets = others.map((list) => new Set(list));
  const found = new Map();
  for (const it of shortest.filter((each) => sets.every((set) => set.has(each)))) {
    const block = Math.floor(it / size);
    found.set(block, [...(found.get(block) ?? []), it]);
  }
  return found;
}

async function pageText(url) {
  const page = new DOMParser().parseFromString(await (await get(url)).text(), "text/html");
  return page.querySelector(".body").textContent.replace(/\s+/g, " ").trim();
}

async function* matches(words, date, full) {
  const index = await load(form.dataset.index);
  const wanted = await candidates(words, full, index);
  const readsText = full && (wanted || !index.pieces);
  for (const [block, day] of index.days.entries()) {
    const before = index.days[block + 1] ?? "";
    if (wanted && !wanted.has(block)) continue;
    if (date && (day < date || before.slice(0, date.length) > date)) continue;
    found.textContent = `正在查 ${day} …`;
    const base = `${form.dataset.root}search/${block}`;
    const [shown, texts] = await Promise.all([load(`${base}.json`), readsText && !index.pieces ? load(`${base}.text.json`) : []]);
    for (const nth of wanted?.get(block) ?? shown.keys()) {
      const entry = shown[nth % index.size];
      if (!entry.date.startsWith(date)) continue;
      const has = (text) => words.every((word) => folded(text).includes(word));
      const seen = `${entry.title}\n${entry.summary}`;
      if (has(seen)) yield card(entry, undefined, words);
      else if (readsText) {
        const text = texts[nth] ?? await pageText(entry.url);
        if (has(`${seen}\n${text}`)) yield card(entry, text, words);
      }
    }
  }
}

// 2026-11-03, 2026/11/3, 2026年11月 as the beginning of an article's date.
function dateIn(word) {
  const parts = /^(\d{4})[-/.年](\d{1,2})(?:[-/.月](\d{1,2})?日?)?$/.exec(word);
  return parts ? parts.slice(1).filter(Boolean).map((it) => it.padStart(2, "0")).join("-") : "";
}

async function search() {
  const asked = new URLSearchParams(location.search);
  form.elements.q.value = asked.get("q") ?? "";
  form.elements.full.checked = asked.has("full");
  if (!form.elements.q.value.trim()) return;
  const variants = Array.from((await (await get(form.dataset.variants)).text()).trim());
  for (let at = 0; at < variants.length; at += 2) simplified.set(variants[at], variants[at + 1]);
  const all = folded(form.elements.q.value).split(/\s+/).filter(Boolean);
  const date = all.map(dateIn).find(Boolean) ?? "";
  const words = all.filter((word) => !dateIn(word));

  const hits = matches(words, date, form.elements.full.checked);
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

search().catch((error) => { found.textContent = `搜索出错：${error.message}`; });

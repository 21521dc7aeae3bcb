// The wall: takes absolute figures from /stream and shows them. Each message is everything, so the newest one is the
// truth and a missed one costs nothing. Values stand in data attributes; the text moves towards them.

const TILES = {
  "MA-01": [5, 1], "MA-04": [4, 2], "MA-03": [5, 2], "MA-02": [6, 2], "MA-06": [3, 2], "MA-07": [3, 3],
  "MA-05": [4, 3], "MA-08": [5, 3], "MA-09": [3, 4], "MA-10": [2, 4], "MA-11": [2, 5], "MA-12": [1, 5],
};
const SIDES = ["offer", "seeker"];
const MOST_SPIKES = 3;
const MOST_SOURCES = 12;
const LONG_NAME = { fr: 58, en: 58, ar: 60 };
const ZONE = "Africa/Casablanca";
const MOVE_MS = 450;

const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
const language = document.documentElement.lang;
const rightToLeft = document.documentElement.dir === "rtl";
const labels = await (await fetch(`/wall/labels/${language}.json`)).json();
const text = labels.texts;

const whole = new Intl.NumberFormat(labels.locale, { maximumFractionDigits: 0 });
const fixed = (digits) => new Intl.NumberFormat(labels.locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
const twoDigits = fixed(2);
const percent = new Intl.NumberFormat(labels.locale, { style: "percent", maximumFractionDigits: 0 });
const clockFormat = new Intl.DateTimeFormat(labels.locale, { timeZone: ZONE, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const timeFormat = new Intl.DateTimeFormat(labels.locale, { timeZone: ZONE, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const dayFormat = new Intl.DateTimeFormat(labels.locale, { timeZone: ZONE, weekday: "long", day: "numeric", month: "long", year: "numeric" });
const agoFormat = new Intl.RelativeTimeFormat(labels.locale, { numeric: "always", style: "short" });

const byId = (id) => document.getElementById(id);
const wall = byId("wall");
const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const isolate = (shown) => `\u2068${shown}\u2069`;

function element(tag, className, content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (content !== undefined) made.textContent = content;
  return made;
}

function ago(seconds) {
  if (seconds < 60) return agoFormat.format(-Math.max(Math.round(seconds), 0), "second");
  if (seconds < 3600) return agoFormat.format(-Math.floor(seconds / 60), "minute");
  if (seconds < 172800) return agoFormat.format(-Math.floor(seconds / 3600), "hour");
  return agoFormat.format(-Math.floor(seconds / 86400), "day");
}

// Numbers: the value is set at once (data-value), its text runs there.
const moving = new Map();

function show(node, value, digits = 0, sign = "") {
  const format = digits ? fixed(digits) : whole;
  if (value === null || value === undefined) {
    moving.delete(node);
    node.removeAttribute("data-value");
    node.textContent = "–";
    return;
  }
  const before = node.hasAttribute("data-value") ? Number(node.dataset.value) : null;
  node.dataset.value = String(value);
  const write = (shown) => {
    const signed = (sign && Math.round(shown) > 0 ? sign : "") + format.format(shown);
    node.textContent = rightToLeft && sign ? `\u2066${signed}\u2069` : signed;
  };
  if (before === value && !moving.has(node)) return;
  if (before === null || still || digits || document.hidden) {
    moving.delete(node);
    write(value);
    return;
  }
  moving.set(node, { from: moving.get(node)?.shown ?? before, to: value, began: performance.now(), shown: before, write });
  if (moving.size === 1) requestAnimationFrame(move);
}

function move(now) {
  for (const [node, run] of moving) {
    const share = Math.min((now - run.began) / MOVE_MS, 1);
    run.shown = run.from + (run.to - run.from) * (1 - (1 - share) ** 3);
    run.write(share === 1 ? run.to : Math.round(run.shown));
    if (share === 1) moving.delete(node);
  }
  if (moving.size) requestAnimationFrame(move);
}

function showTotals(figures) {
  for (const node of document.querySelectorAll("[data-figure]")) {
    const [group, name] = node.dataset.figure.split(".");
    show(node, figures[group][name], Number(node.dataset.digits ?? 0), node.dataset.sign ?? "");
  }
}

const occupationName = (code) => (code ? labels.occupations[code] ?? code : text.unstated);

function showRanking(side, listed, share) {
  const panel = byId(`top-${side}`);
  const list = panel.querySelector("ol");
  const known = new Map([...list.children].map((row) => [row.dataset.isco, row]));
  const most = Math.max(1, ...listed.map((one) => one.stock));
  listed.forEach((one, place) => {
    let row = known.get(one.isco);
    known.delete(one.isco);
    if (!row) {
      row = element("li");
      row.dataset.isco = one.isco;
      const name = occupationName(one.isco);
      const title = element("span", name.length > LONG_NAME[language] ? "name long" : "name", name);
      const figures = element("span", "figures");
      figures.append(element("b"), element("span"));
      const track = element("span", "bar-track");
      track.append(element("i"));
      row.append(title, figures, track);
      list.append(row);
    }
    row.style.setProperty("--place", place);
    row.querySelector("i").style.setProperty("--share", one.stock / most);
    show(row.querySelector("b"), one.stock);
    show(row.querySelector(".figures span"), one.opened_today, 0, "+");
  });
  for (const row of known.values()) row.remove();
  panel.querySelector("[data-slot=coded]").textContent =
    share === null ? "" : fill(side === "offer" ? text.coded : text.coded_seekers, { share: isolate(percent.format(share)) });
}

// Tension on a scale of halves: the colour is full at 2 offers a seeker, or 2 seekers an offer.
function tensionColour(tension) {
  const lean = Math.max(-1, Math.min(1, Math.log2(tension)));
  const from = [31, 44, 71];
  const to = lean < 0 ? [107, 74, 6] : [26, 101, 147];
  const mixed = from.map((base, index) => Math.round(base + (to[index] - base) * Math.abs(lean)));
  return `rgb(${mixed.join(" ")})`;
}

function showRegions(regions) {
  const map = byId("map");
  for (const region of regions) {
    let tile = map.querySelector(`[data-region="${region.region}"]`);
    if (!tile) {
      const [column, line] = TILES[region.region] ?? [1, 1];
      tile = element("article", "tile");
      tile.dir = document.documentElement.dir;
      tile.dataset.region = region.region;
      tile.style.setProperty("--column", column);
      tile.style.setProperty("--line", line);
      const stocks = element("span", "stocks");
      stocks.append(element("span", "offer"), element("span", "seeker"));
      const ratio = element("span", "ratio");
      ratio.append(element("span", "", text.tension), element("b"));
      const below = element("span", "below");
      below.append(stocks, ratio);
      tile.append(element("span", "where", labels.regions[region.region] ?? region.region), below);
      map.append(tile);
    }
    show(tile.querySelector(".offer"), region.offer);
    show(tile.querySelector(".seeker"), region.seeker);
    show(tile.querySelector(".ratio b"), region.tension, 2);
    tile.classList.toggle("hidden", region.tension === null);
    if (region.tension !== null) tile.style.setProperty("--fill", tensionColour(region.tension));
  }
}

const SVG = "http://www.w3.org/2000/svg";

function shape(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function roundedTop(most) {
  for (let unit = 1; ; unit *= 10) for (const step of [1, 2, 5]) if (most <= unit * step * 4) return unit * step * 4;
}

function showLine(line) {
  const [width, height] = [600, 160];
  const count = line.offer.length;
  const top = roundedTop(Math.max(1, ...line.offer, ...line.seeker));
  const x = (index) => (rightToLeft ? 1 - index / (count - 1) : index / (count - 1)) * width;
  const y = (value) => height - (value / top) * height;
  const drawn = [];
  const scale = [];
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    drawn.push(shape("line", { x1: 0, x2: width, y1: y(top * share), y2: y(top * share) }));
    const mark = element("span", "", whole.format(top * share));
    mark.style.setProperty("--y", share);
    if (share === 0 || share === 0.5 || share === 1) scale.push(mark);
  }
  for (const side of ["seeker", "offer"]) {
    const point = (value, index) => `${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
    const done = line[side].slice(0, -1).map(point).join("L");
    drawn.push(shape("path", { class: `area ${side}`, d: `M${x(0)} ${height}L${done}L${x(count - 2)} ${height}Z` }));
    drawn.push(shape("path", { class: side, d: `M${done}` }));
    byId("line-running").querySelector(`.${side}`).style.setProperty("--y", line[side][count - 1] / top);
  }
  byId("line").replaceChildren(...drawn);
  byId("line-scale").replaceChildren(...scale);
  const ticks = [];
  const first = Date.parse(line.start);
  for (let index = 0; index < count; index += 1) {
    const moment = new Date(first + index * 60000);
    if (moment.getUTCMinutes() % 15) continue;
    const tick = element("span", "", timeFormat.format(moment));
    tick.style.setProperty("--x", index / (count - 1));
    if (index > 1 && index < count - 1) ticks.push(tick);
  }
  byId("line-ticks").replaceChildren(...ticks);
}

function spikeCard(spike) {
  const over = spike.event !== "started";
  const card = element("article", over ? "spike over" : "spike");
  card.dataset.spike = spike.id;
  card.dataset.version = spike.version;
  const name = occupationName(spike.isco);
  const counts = fill(spike.window === "hour" ? text.hour : text.day, {
    count: isolate(whole.format(spike.count)),
    expected: isolate(whole.format(spike.expected)),
  });
  const when = over
    ? fill(text.ended, { time: isolate(timeFormat.format(new Date(spike.event_time))) })
    : fill(text.since, { time: isolate(timeFormat.format(new Date(spike.start))) });
  const place = labels.regions[spike.region] ?? spike.region;
  card.append(
    element("span", name.length > LONG_NAME[language] - 12 ? "what long" : "what", name),
    element("span", "detail", `${spike.side === "offer" ? text.spike_offer : text.spike_seeker} · ${place}`),
    element("span", "detail", counts),
    element("span", "when", spike.flagged.length ? `${when} · ${text.flagged}` : when),
  );
  return card;
}

function showSpikes(spikes) {
  const cards = byId("spikes");
  const shown = spikes.slice(0, MOST_SPIKES);
  if (!shown.length) {
    const none = element("p", "none");
    none.append(element("i", "dot"), element("span", "", text.no_spike));
    cards.replaceChildren(none);
    byId("spikes-open").textContent = "";
    return;
  }
  byId("spikes-open").textContent = fill(text.open, { count: isolate(whole.format(spikes.filter((one) => one.event === "started").length)) });
  const known = new Map([...cards.children].map((card) => [`${card.dataset.spike}/${card.dataset.version}`, card]));
  cards.replaceChildren(...shown.map((spike) => known.get(`${spike.id}/${spike.version}`) ?? spikeCard(spike)));
}

function showSources(sources) {
  const worstFirst = { blocked: 0, silent: 1, degraded: 2, paused: 3, ok: 4 };
  const sorted = [...sources].sort((a, b) => worstFirst[a.state] - worstFirst[b.state] || a.source.localeCompare(b.source));
  const shown = sorted.length > MOST_SOURCES ? sorted.slice(0, MOST_SOURCES - 1) : sorted;
  const rows = shown.map((source) => {
    const row = element("li");
    row.dataset.state = source.state;
    const note = source.state === "ok" ? "" : text[`state_${source.state}`] ?? source.state;
    row.append(element("i", "dot"), element("b", "", source.source), element("span", "", note));
    if (!note) row.lastChild.dataset.since = source.last_success ?? source.at;
    return row;
  });
  if (sorted.length > shown.length) rows.push(element("li", "rest", fill(text.more, { count: isolate(sorted.length - shown.length) })));
  if (!rows.length) rows.push(element("li", "rest", text.no_source));
  byId("sources").replaceChildren(...rows);
}

// What is shown, and how old it is.
let figures = null;
let connected = false;
let lostSince = Date.now();
let skew = 0; // the server's clock minus this screen's, so that a screen with a wrong clock shows right ages

function take(message) {
  figures = JSON.parse(message.data);
  connected = true;
  showTotals(figures);
  for (const side of SIDES) showRanking(side, figures.occupations[side], figures[side].coded_share);
  showRegions(figures.regions);
  showLine(figures.line);
  showSpikes(figures.alerts);
  showSources(figures.sources);
  wall.dataset.asOf = figures.as_of;
  wall.dataset.generation = figures.generation;
  wall.dataset.revision = figures.revision.join(",");
  wall.dataset.messages = String(Number(wall.dataset.messages ?? 0) + 1);
  tick();
}

function tick() {
  const now = new Date(Date.now() + skew);
  byId("clock").textContent = clockFormat.format(now);
  byId("date").textContent = dayFormat.format(now);
  const slot = (name) => document.querySelector(`#fresh [data-slot="${name}"]`);
  const newest = figures?.data_as_of ? Date.parse(figures.data_as_of) : null;
  const age = newest === null ? Infinity : Math.max((now - newest) / 1000, 0);
  const away = connected ? 0 : (Date.now() - lostSince) / 1000;
  const { amber, red } = document.body.dataset;
  const waiting = figures && newest === null && away <= 30;
  const toGo = away <= 30 ? figures?.catching_up : 0;
  const state = waiting || toGo ? "late" : age > Number(red) || away > 30 ? "lost" : age > Number(amber) || away > 5 ? "late" : "live";
  document.body.dataset.freshness = state;
  if (toGo) {
    slot("state").textContent = text.catching_up;
    slot("as-of").textContent = fill(text.to_go, { count: isolate(whole.format(toGo)) });
    slot("age").textContent = "";
  } else {
    slot("state").textContent = waiting ? text.waiting : text[state];
    slot("as-of").textContent = newest === null ? text.no_data : fill(text.fresh, { time: isolate(clockFormat.format(newest)) });
    slot("age").textContent = newest === null ? "" : ago(age);
  }
  wall.dataset.dataAsOf = figures?.data_as_of ?? "";
  for (const node of document.querySelectorAll("[data-since]")) {
    node.textContent = ago(Math.max((now - Date.parse(node.dataset.since)) / 1000, 0));
  }
}

function follow(wait = 1000) {
  const stream = new EventSource("/stream?events=figures");
  const again = () => {
    stream.close();
    if (connected) lostSince = Date.now();
    connected = false;
    setTimeout(follow, wait * (0.5 + Math.random()), Math.min(wait * 2, 15000));
  };
  for (const name of ["snapshot", "figures"]) {
    stream.addEventListener(name, (message) => {
      wait = 1000;
      take(message);
    });
  }
  stream.addEventListener("reset", again);
  stream.addEventListener("error", again);
}

async function measureSkew() {
  const asked = Date.now();
  const answer = await fetch("/wall/now", { cache: "no-store" });
  const server = Date.parse((await answer.json()).now);
  skew = server - (asked + Date.now()) / 2;
}

for (const node of document.querySelectorAll("[data-text]")) node.textContent = text[node.dataset.text];
await measureSkew().catch(() => {});
setInterval(() => measureSkew().catch(() => {}), 600000);
tick();
setInterval(tick, 1000);
follow();

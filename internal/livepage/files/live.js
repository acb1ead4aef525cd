// The live page: asks for status every two seconds, and shows the answer.

const every = 2000; // milliseconds between two questions
const patience = 8000; // milliseconds that an answer may take
const span = 10; // seconds over which rate and latency are measured

const $ = (id) => document.getElementById(id);
const number = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

let samples = []; // of the counters, the oldest first
let timer = 0;
let paused = false;
let lastEvent = null; // the key of the newest event that was shown; null: none was looked for yet
let lastAnswer = ''; // when it came

function element(tag, text, props = {}) {
  return Object.assign(document.createElement(tag), { textContent: text }, props);
}

// write changes a text only if it is another one, so that a selection stays.
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function rounded(n) {
  return n > 0 && n < 10 ? n.toFixed(1) : number.format(n);
}

function seconds(s) {
  if (s < 0.9995) return `${s < 0.00995 ? (s * 1000).toFixed(1) : Math.round(s * 1000)} ms`;
  if (s < 59.5) return `${s < 9.95 ? s.toFixed(1) : Math.round(s)} s`;
  if (s < 3570) return `${Math.round(s / 60)} min`;
  return s < 172_800 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86_400)} d`;
}

const bytes = (n) => (n > 0 ? `${number.format(n / 1e6)} MB` : '–');

// quantile estimates a quantile of the values that came between two samples. Within a bucket
// the values are taken to be spread evenly.
function quantile(q, from, to, edges) {
  const counts = to.buckets.map((n, i) => n - from.buckets[i]); // each one has those before it in it
  const all = to.count - from.count;
  if (all <= 0) return '–';
  const rank = q * all;
  const i = counts.findIndex((n) => n >= rank);
  if (i < 0) return `> ${seconds(edges.at(-1))}`;
  const [below, low] = i === 0 ? [0, 0] : [counts[i - 1], edges[i - 1]];
  return seconds(low + ((edges[i] - low) * (rank - below)) / (counts[i] - below));
}

// measure returns rates and latencies since the oldest sample in the span.
function measure(s) {
  const now = { time: s.time, requests: s.requests, errors: s.errors, buckets: s.durations.buckets, count: s.durations.count };
  if (samples.length > 0 && (now.requests < samples.at(-1).requests || now.time < samples.at(-1).time)) samples = []; // another narwhal answers
  samples.push(now);
  while (samples.length > 2 && samples[1].time <= now.time - span) samples.shift();
  const from = samples[0];
  const lasted = now.time - from.time;
  if (lasted <= 0) return { rate: '–', errors: '–', p50: '–', p99: '–' };
  return {
    rate: rounded((now.requests - from.requests) / lasted),
    errors: rounded((now.errors - from.errors) / lasted),
    p50: quantile(0.5, from, now, s.durations.edges),
    p99: quantile(0.99, from, now, s.durations.edges),
  };
}

// showNow fills the list of numbers. The keys of tiles are the names on the page.
function showNow(s) {
  const m = measure(s);
  const queues = s.queues.filter((q) => q.limit > 0);
  const tiles = {
    'Requests a second': m.rate,
    '5xx a second': m.errors,
    'Latency, p50': m.p50,
    'Latency, p99': m.p99,
    'Places taken': `${s.places_taken} of ${s.places}`,
    'Requests that wait': number.format(s.waiting),
    'Kernel’s queue': queues.length > 0 ? queues.map((q) => `${q.waiting} of ${q.limit}`).join(', ') : 'unknown',
    Connections: s.parked > 0 ? `${number.format(s.connections)} + ${number.format(s.parked)} parked` : number.format(s.connections),
    'Requests in all': number.format(s.requests),
    'Requests lost': number.format(s.lost),
  };
  const list = $('now');
  for (const [i, [name, value]] of Object.entries(tiles).entries()) {
    if (!list.children[i]) {
      const tile = element('div', '');
      tile.append(element('dt', name), element('dd', ''));
      list.append(tile);
    }
    write(list.children[i].lastChild, value);
  }
}

// showWorkers fills the table. A worker keeps its row.
function showWorkers(workers) {
  const rows = new Map([...$('workers').rows].map((row) => [row.dataset.age, row]));
  const wanted = workers.map((w) => {
    const row = rows.get(String(w.age)) ?? document.createElement('tr');
    Object.assign(row.dataset, { age: w.age, pid: w.pid, state: w.state });
    const cells = [w.slot, w.state, w.pid, seconds(w.uptime_seconds), number.format(w.requests), number.format(w.errors), w.in_flight,
      w.oldest_request_seconds > 0 ? seconds(w.oldest_request_seconds) : '–', number.format(w.connections), bytes(w.memory_bytes), w.generation];
    for (const [i, value] of cells.entries()) {
      if (!row.cells[i]) row.append(element(i === 0 ? 'th' : 'td', '', i === 0 ? { scope: 'row' } : { className: i === 1 ? 'state' : 'number' }));
      write(row.cells[i], String(value));
    }
    return row;
  });
  for (const [i, row] of wanted.entries()) {
    if ($('workers').rows[i] !== row) $('workers').insertBefore(row, $('workers').rows[i] ?? null);
  }
  while ($('workers').rows.length > wanted.length) $('workers').lastChild.remove();
}

// showEvents fills the list, the newest first. It tells a person who cannot see the page of the
// events that are new.
function showEvents(events) {
  const key = (e) => e.time + e.event + JSON.stringify(e.fields);
  const newest = events.length > 0 ? key(events.at(-1)) : '';
  $('none').hidden = events.length > 0;
  if (lastEvent === newest && $('events').children.length === events.length) return;
  if (lastEvent !== null && lastEvent !== newest) {
    const since = events.findLastIndex((e) => key(e) === lastEvent) + 1;
    $('said').textContent = events.slice(Math.max(since, events.length - 3)).map((e) => e.message).join('. ');
  }
  lastEvent = newest;
  $('events').replaceChildren(...events.toReversed().map((e) => {
    const line = element('li', '');
    Object.assign(line.dataset, { event: e.event, level: e.level });
    line.append(
      element('time', clock.format(new Date(e.time)), { dateTime: e.time }),
      element('span', e.message, { className: 'what' }),
      element('span', e.fields.map(([name, value]) => `${name.replaceAll('_', ' ')}: ${value}`).join(' · '), { className: 'fields' }),
    );
    return line;
  }));
}

function show(s) {
  const ready = s.workers.filter((w) => w.state === 'ready').length;
  write($('state'), `${s.state}, ${ready} of ${s.workers_wanted} workers ready`);
  write($('about'), [s.model, ...s.listen, `generation ${s.generation}`, `master ${s.pid}, for ${seconds(s.uptime_seconds)}`, s.version].filter(Boolean).join(' · '));
  document.title = `narwhal: ${s.state}`;
  showNow(s);
  showWorkers(s.workers);
  showEvents(s.events);
}

async function ask() {
  clearTimeout(timer);
  try {
    const response = await fetch('status', { cache: 'no-store', signal: AbortSignal.timeout(patience) });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error);
    show(answer);
    lastAnswer = clock.format(new Date());
    $('stale').hidden = true;
  } catch {
    write($('stale'), lastAnswer ? `No answer since ${lastAnswer}. What is below may be wrong. The page goes on asking.` : 'No answer yet. The page goes on asking.');
    $('stale').hidden = false;
  }
  later();
}

// later asks again in a while, unless nobody looks.
function later() {
  clearTimeout(timer);
  if (!paused && !document.hidden) timer = setTimeout(ask, every);
}

$('pause').addEventListener('click', () => {
  paused = !paused;
  $('pause').setAttribute('aria-pressed', String(paused));
  if (paused) clearTimeout(timer);
  else ask();
});
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && !paused) ask();
});

ask();

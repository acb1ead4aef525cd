// The page: takes a text, asks POST v1/entities, and shows the answer.
import { examplesOf, meaning } from './data.js';
import { draw, element, hideTip } from './render.js';
import { copy, names, note, page, program, save } from './code.js';

const $ = (id) => document.getElementById(id);
const input = $('text');
const chooser = document.querySelector('select'); // of the model; null: the server has only one
const limit = Number(document.body.dataset.limit); // bytes of a request's body
const longestLink = 8000; // characters of a text that goes into a link
const examples = examplesOf(chooser?.value ?? $('model').textContent);

let result = { text: '', ents: [], model: '' };
let hidden = new Set(); // labels that the person has switched off
let language = names[0];
let pending = null; // the AbortController of the request that is under way
let waiting = 0; // the timer of the next request
let lasted = 0; // milliseconds that the last request took
let token = ''; // forgotten when the page is closed

const number = new Intl.NumberFormat('en');
const several = (n, one, many) => `${number.format(n)} ${n === 1 ? one : many}`;

function bytes(n) {
  if (n < 1024) return several(n, 'byte', 'bytes');
  const [size, unit] = n < 1 << 20 ? [n / 1024, 'KiB'] : [n / (1 << 20), 'MiB'];
  return `${number.format(Math.round(size * 10) / 10)} ${unit}`;
}

// A value that is undefined is left out of the JSON.
const question = (text) => JSON.stringify({ text, offsets: 'utf16', model: chooser?.value });

// say tells a person who cannot see the page, and nobody else.
function say(words) {
  $('said').textContent = words;
}

function fail(words) {
  $('error').textContent = words;
  $('error').hidden = words === '';
}

// sentence makes one of the service's words: they begin small and have no full stop.
function sentence(words) {
  if (!words) return '';
  return words[0].toUpperCase() + words.slice(1) + (/[.!?]$/.test(words) ? '' : '.');
}

function measure() {
  const length = new TextEncoder().encode(question(input.value)).length;
  $('size').textContent = `${several(input.value.length, 'character', 'characters')}, ${bytes(length)} of at most ${bytes(limit)}`;
  return length;
}

// cancel ends the request that is under way or that would come next.
function cancel() {
  clearTimeout(waiting);
  pending?.abort();
  pending = null;
  document.body.classList.remove('busy');
}

// ask asks for the entities of the text now. A request that is under way is cancelled.
async function ask() {
  cancel();
  const text = input.value;
  const length = measure();
  if (text === '') {
    fail('');
    show({ text: '', ents: [], model: chooser?.value ?? result.model });
    return;
  }
  if (length > limit) {
    fail(`The text is too large: the request would have ${bytes(length)}, and the server takes ${bytes(limit)}. Shorten the text, or start the server with a larger --limit-body.`);
    return;
  }
  const mine = pending = new AbortController();
  const started = performance.now();
  document.body.classList.add('busy');
  try {
    const headers = { 'Content-Type': 'application/json' };
    if (token) headers.Authorization = `Bearer ${token}`;
    const response = await fetch('v1/entities', { method: 'POST', headers, body: question(text), signal: mine.signal });
    const answer = await response.json().catch((err) => {
      if (err.name === 'AbortError') throw err;
      return { error: `the server answers ${response.status} without a word of explanation` };
    });
    lasted = performance.now() - started;
    $('access').hidden = response.status !== 401;
    if (!response.ok || !answer.ents) {
      fail(response.status === 401 && !token ? 'This service wants a token. Enter it below; who runs the service has it.'
        : [answer.error ?? `the server answers ${response.status}`, answer.hint].map(sentence).join(' ').trim());
      return;
    }
    fail('');
    $('latency').textContent = `${lasted < 9.95 ? lasted.toFixed(1) : Math.round(lasted)} ms`;
    show({ text, ents: answer.ents, model: answer.model });
  } catch (err) {
    if (err.name !== 'AbortError') fail('The server cannot be reached. Is narwhal still running at this address?');
  } finally {
    if (pending === mine) {
      pending = null;
      document.body.classList.remove('busy');
    }
  }
}

// later asks when the person has stopped typing for a moment, for longer if answers take long.
function later() {
  clearTimeout(waiting);
  measure();
  waiting = setTimeout(ask, Math.max(200, Math.min(2 * lasted, 2000)));
}

function show(next) {
  const before = result.model;
  result = next;
  if (chooser) {
    if (before && before !== result.model) say(`Entities by ${result.model}.`);
  } else if (result.model) $('model').textContent = result.model;
  if (result.text === '') $('latency').textContent = '';
  showLegend();
  showEntities();
}

// counts maps each label to the number of its entities, the most frequent first.
function counts() {
  const n = new Map();
  for (const e of result.ents) n.set(e.label, (n.get(e.label) ?? 0) + 1);
  return new Map([...n].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)));
}

function showLegend() {
  const all = counts();
  const legend = $('legend');
  const focused = legend.contains(document.activeElement) ? document.activeElement.dataset.label : null;
  legend.replaceChildren(...[...all].map(([label, n]) => {
    const b = element('button', 'chip', label, element('span', 'n', number.format(n)));
    b.type = 'button';
    b.dataset.label = label;
    b.title = meaning(label);
    b.setAttribute('aria-pressed', String(!hidden.has(label)));
    return b;
  }));
  const off = [...all.keys()].filter((label) => hidden.has(label));
  if (all.size > 1) {
    const b = element('button', 'quiet', off.length > 0 ? 'Show all' : 'Hide all');
    b.type = 'button';
    b.id = 'every';
    legend.append(b);
  }
  if (focused) [...legend.children].find((b) => b.dataset.label === focused)?.focus();
}

async function showEntities() {
  const { text, ents } = result;
  const shown = ents.filter((e) => !hidden.has(e.label));
  $('count').textContent = text === '' ? 'No text yet.' : ents.length === 0 ? 'No entities found.'
    : `${several(ents.length, 'entity', 'entities')}, ${several(counts().size, 'label', 'labels')}${shown.length < ents.length ? `, ${number.format(shown.length)} shown` : ''}`;
  showCode();
  $('marked').setAttribute('aria-busy', 'true');
  if (await draw(text, ents, (label) => !hidden.has(label))) $('marked').removeAttribute('aria-busy');
}

// wanted returns the labels that are shown, null if none is hidden.
function wanted() {
  const all = [...counts().keys()];
  return all.some((label) => hidden.has(label)) ? all.filter((label) => !hidden.has(label)) : null;
}

const mostShown = 4000; // characters of a program that the page shows; the whole is copied

function showCode() {
  const whole = program(language, result, wanted(), chooser && result.model);
  $('snippet').textContent = whole.length > mostShown ? `${whole.slice(0, mostShown)}…` : whole;
  $('snippet-note').textContent = [
    note(language),
    token && 'Add the header field Authorization: Bearer and the token.',
    whole.length > mostShown && 'Only the beginning is shown. Copy takes all of it.',
  ].filter(Boolean).join(' ');
}

function toggle(label) {
  if (!hidden.delete(label)) hidden.add(label);
  showLegend();
  showEntities();
}

// copied copies a text and says so on the button.
async function copied(button, text, words) {
  try {
    await copy(text);
  } catch {
    fail('The browser does not let this page use the clipboard.');
    return;
  }
  const name = button.dataset.name ??= button.textContent;
  button.textContent = 'Copied';
  say(words);
  setTimeout(() => { button.textContent = name; }, 1500);
}

async function read(file) {
  if (file.size > limit) {
    fail(`${file.name} is too large: it has ${bytes(file.size)}, and the server takes ${bytes(limit)}. Shorten the text, or start the server with a larger --limit-body.`);
    return;
  }
  try {
    set(new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer()));
  } catch {
    fail(`${file.name} is not text in UTF-8.`);
  }
}

function set(text) {
  input.value = text;
  input.scrollTop = 0;
  ask();
}

// linked returns the text in the address, null if there is none, and undefined if it cannot
// be read. It chooses the model that the address names: the default model if it names none
// that is here.
function linked() {
  try {
    const m = /^#text=(.*?)(?:&model=([^&]*))?$/.exec(location.hash);
    const text = m && decodeURIComponent(m[1]);
    if (m && chooser) {
      const model = decodeURIComponent(m[2] ?? '');
      chooser.selectedIndex = Math.max(0, [...chooser.options].findIndex((o) => o.value === model));
    }
    return text;
  } catch {
    cancel(); // an answer would take the error away
    fail('The link is damaged: its text cannot be read.');
    return undefined;
  }
}

// Wiring.

input.addEventListener('input', later);
chooser?.addEventListener('change', ask);
$('run').addEventListener('click', ask);
$('access').addEventListener('submit', (event) => {
  event.preventDefault();
  token = $('token').value.trim();
  ask();
});
$('clear').addEventListener('click', () => { set(''); input.focus(); });
$('open').addEventListener('click', () => $('file').click());
$('file').addEventListener('change', () => {
  if ($('file').files[0]) read($('file').files[0]);
  $('file').value = '';
});

$('examples').append(...examples.map(([name, text]) => {
  const b = element('button', 'quiet', name);
  b.type = 'button';
  b.addEventListener('click', () => set(text));
  return b;
}));

$('legend').addEventListener('click', (event) => {
  const b = event.target.closest('button');
  if (!b) return;
  if (b.id !== 'every') return toggle(b.dataset.label);
  const all = [...counts().keys()];
  hidden = new Set(all.some((label) => hidden.has(label)) ? [] : all);
  showLegend();
  showEntities();
  $('every').focus();
});

function choose(name) {
  language = name;
  for (const tab of $('tabs').children) {
    tab.setAttribute('aria-selected', String(tab.textContent === name));
    tab.tabIndex = tab.textContent === name ? 0 : -1;
  }
  $('panel').setAttribute('aria-labelledby', `tab-${name}`);
  $('panel').scrollTop = 0;
  showCode();
}

$('tabs').append(...names.map((name) => {
  const b = element('button', 'quiet', name);
  b.type = 'button';
  b.id = `tab-${name}`;
  b.setAttribute('role', 'tab');
  b.setAttribute('aria-controls', 'panel');
  b.addEventListener('click', () => choose(name));
  return b;
}));
$('tabs').addEventListener('keydown', (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  choose(names[(names.indexOf(language) + step + names.length) % names.length]);
  $(`tab-${language}`).focus();
});
$('copy').addEventListener('click', () => copied($('copy'), program(language, result, wanted(), chooser && result.model), `${language} copied.`));

$('share').addEventListener('click', () => {
  if (result.text.length > longestLink) {
    fail(`The text is too long for a link: it has ${several(result.text.length, 'character', 'characters')}, and a link takes ${number.format(longestLink)}.`);
    return;
  }
  const other = chooser && result.model !== '' && result.model !== chooser.options[0].value;
  history.replaceState(null, '', `#text=${encodeURIComponent(result.text)}${other ? `&model=${encodeURIComponent(result.model)}` : ''}`);
  copied($('share'), location.href, 'Link copied.');
});
$('export').addEventListener('click', () => save('entities.html', 'text/html', page($('marked'))));

document.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    ask();
  } else if (event.key === 'Escape') {
    clearTimeout(waiting);
    pending?.abort();
    if (hideTip() || $('marked').contains(document.activeElement)) input.focus();
  }
});

document.addEventListener('dragover', (event) => {
  event.preventDefault();
  document.body.classList.add('dropping');
});
document.addEventListener('dragleave', (event) => {
  if (!event.relatedTarget) document.body.classList.remove('dropping');
});
document.addEventListener('drop', (event) => {
  event.preventDefault();
  document.body.classList.remove('dropping');
  const file = event.dataTransfer.files[0];
  const text = event.dataTransfer.getData('text/plain');
  if (file) read(file);
  else if (text) set(text);
});
addEventListener('hashchange', () => {
  const text = linked();
  if (text != null) set(text);
});

choose(language);
const first = linked();
if (first !== undefined) set(first ?? examples[0][1]);

// Draws the text with its entities, and the table. Every text that came from outside
// becomes a text node: nothing here can turn it into markup.
import { meaning } from './data.js';

const marked = document.getElementById('marked');
const rows = document.getElementById('rows');
const scroll = document.getElementById('scroll');
const tip = document.getElementById('tip');

// A long text is drawn in pieces of so many entities or characters. Between two pieces
// the page can answer the person.
const pieceEntities = 300;
const pieceLength = 20000;

let drawing = 0; // counts drawings; an older one stops when it finds that it is not the newest
let marks = []; // the elements of the entities that are shown, in the order of the text

export const pause = () => new Promise((next) => setTimeout(next));

export function element(name, className, ...children) {
  const e = document.createElement(name);
  if (className) e.className = className;
  e.append(...children);
  return e;
}

// mark returns the element of an entity in displaCy's form.
function mark(text, ent, index) {
  const e = element('mark', 'entity', text.slice(ent.start, ent.end), element('span', 'label', ent.label));
  e.dataset.label = ent.label;
  e.dataset.index = index;
  e.tabIndex = -1;
  e.setAttribute('role', 'button');
  e.setAttribute('aria-roledescription', 'entity');
  return e;
}

function row(text, ent, index) {
  const label = element('span', 'chip', ent.label);
  label.dataset.label = ent.label;
  const e = element('tr', '', element('td', 'name', text.slice(ent.start, ent.end)), element('td', '', label),
    element('td', 'number', String(ent.start)), element('td', 'number', String(ent.end)));
  e.dataset.index = index;
  return e;
}

// draw shows a text with the entities that isShown wants. Entities are in the order of
// the text.
export async function draw(text, ents, isShown) {
  const mine = ++drawing;
  hideTip();
  marks = [];
  let at = 0;
  let next = 0;
  for (let first = true; first || at < text.length; first = false) {
    if (!first) {
      await pause();
      if (mine !== drawing) return false;
    }
    const body = document.createDocumentFragment();
    const list = document.createDocumentFragment();
    const begin = at;
    let count = 0;
    while (count < pieceEntities && at - begin < pieceLength) {
      const ent = ents[next];
      if (!ent || ent.start - begin > pieceLength) {
        const to = Math.min(text.length, wholeCharacter(text, begin + pieceLength), ent ? ent.start : Infinity);
        body.append(text.slice(at, to));
        at = to;
        break;
      }
      next++;
      if (ent.start < at || ent.end <= ent.start || ent.end > text.length || !isShown(ent.label)) continue;
      body.append(text.slice(at, ent.start));
      const e = mark(text, ent, marks.length);
      body.append(e);
      list.append(row(text, ent, marks.length));
      marks.push(e);
      at = ent.end;
      count++;
    }
    if (first) {
      marked.replaceChildren();
      rows.replaceChildren();
      marked.scrollTop = scroll.scrollTop = 0;
    }
    marked.append(body);
    rows.append(list);
    if (first && marks.length > 0) marks[0].tabIndex = 0;
  }
  return true;
}

// wholeCharacter returns i, or i + 1 if a pair of surrogates would be cut at i.
function wholeCharacter(text, i) {
  const c = text.charCodeAt(i);
  return c >= 0xdc00 && c < 0xe000 ? i + 1 : i;
}

// focusMark moves the focus, and the one tab stop, to an entity.
function focusMark(index) {
  const e = marks[Math.max(0, Math.min(index, marks.length - 1))];
  if (e) e.focus();
}

function point(e) {
  for (const r of rows.querySelectorAll('.current')) r.classList.remove('current');
  const r = rows.children[e.dataset.index];
  r.classList.add('current');
  const head = scroll.querySelector('thead').offsetHeight;
  if (r.offsetTop - head < scroll.scrollTop) scroll.scrollTop = r.offsetTop - head;
  if (r.offsetTop + r.offsetHeight > scroll.scrollTop + scroll.clientHeight) scroll.scrollTop = r.offsetTop + r.offsetHeight - scroll.clientHeight;
}

// showTip says what an entity's label means and where the entity is, beside it.
function showTip(e) {
  const cells = rows.children[e.dataset.index].cells;
  const means = meaning(e.dataset.label);
  tip.replaceChildren(element('b', '', e.dataset.label), means ? ` ${means}` : '', element('span', 'where', `${cells[2].textContent}–${cells[3].textContent}`));
  tip.hidden = false;
  const box = e.getClientRects()[0];
  const width = document.documentElement.clientWidth;
  tip.style.left = `${Math.max(8, Math.min(box.left, width - tip.offsetWidth - 8)) + scrollX}px`;
  const above = box.top - tip.offsetHeight - 6;
  tip.style.top = `${(above > 0 ? above : box.bottom + 6) + scrollY}px`;
  e.setAttribute('aria-describedby', 'tip');
}

export function hideTip() {
  if (tip.hidden) return false;
  tip.hidden = true;
  for (const e of marked.querySelectorAll('[aria-describedby]')) e.removeAttribute('aria-describedby');
  return true;
}

const entityOf = (target) => target.closest?.('mark.entity');

marked.addEventListener('mouseover', (event) => {
  const e = entityOf(event.target);
  hideTip();
  if (e) showTip(e);
});
marked.addEventListener('mouseleave', hideTip);
marked.addEventListener('scroll', () => {
  hideTip();
  const e = entityOf(document.activeElement);
  if (e) showTip(e);
});
marked.addEventListener('focusin', (event) => {
  const e = entityOf(event.target);
  if (!e) return;
  for (const other of marked.querySelectorAll('[tabindex="0"]')) other.tabIndex = -1;
  e.tabIndex = 0;
  hideTip();
  showTip(e);
  point(e);
});
marked.addEventListener('focusout', hideTip);
marked.addEventListener('click', (event) => entityOf(event.target)?.focus());
marked.addEventListener('keydown', (event) => {
  const e = entityOf(event.target);
  if (!e || event.ctrlKey || event.altKey || event.metaKey) return;
  const index = Number(e.dataset.index);
  const to = { ArrowRight: index + 1, ArrowDown: index + 1, ArrowLeft: index - 1, ArrowUp: index - 1, Home: 0, End: marks.length - 1, Enter: index, ' ': index }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  focusMark(to);
});
rows.addEventListener('click', (event) => {
  const r = event.target.closest('tr');
  if (r && getSelection().isCollapsed) focusMark(Number(r.dataset.index));
});

// The home page: which rooms are live, and how to make one so.
import { $, el, put, setState, sleep, within } from './dom.js';
import { initials, people, span } from './words.js';

const every = 2500; // ms between looks

function faces(participants) {
  const shown = participants.slice(0, 5).map(p => {
    const face = el('span', { class: p.away ? 'face away' : 'face', title: p.away ? `${p.name} (away)` : p.name, 'aria-hidden': 'true' }, initials(p.name));
    return face;
  });
  return el('p', { class: 'people' }, ...shown, el('span', { class: 'count' }, people(participants.length)));
}

function buttons(room, watch) {
  const go = el('a', { class: 'button', href: `/stage/${room.name}` }, 'Go live');
  go.setAttribute('aria-label', `Go live in ${room.name}`);
  if (!watch) return el('footer', {}, go);
  return el('footer', {}, el('a', { class: 'button primary', href: `/watch/${room.name}`, 'aria-label': `Watch ${room.name}` }, 'Watch'), go);
}

function liveCard(room) {
  const started = Date.parse(room.startedAt);
  const when = el('span', { class: 'when' });
  if (started) when.dataset.since = started;
  return el('li', { class: 'panel card' },
    el('header', {}, el('h3', {}, room.name), el('span', { class: 'onair' }, el('i'), 'Live'), when),
    faces(room.participants ?? []), buttons(room, true));
}

const idleCard = room => el('li', { class: 'panel card' }, el('h3', {}, room.name), buttons(room, false));

// fill rebuilds a list only when what it shows changed, so that focus and pointer stay where they are.
function fill(list, rooms, card) {
  const shows = JSON.stringify(rooms);
  if (list.dataset.shows === shows) return;
  const focused = list.contains(document.activeElement) ? document.activeElement.getAttribute('aria-label') : null;
  list.dataset.shows = shows;
  list.replaceChildren(...rooms.map(card));
  if (focused) list.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
}

function tick() {
  for (const node of document.querySelectorAll('[data-since]')) {
    put(node, span((Date.now() - Number(node.dataset.since)) / 1000));
  }
}

function show(rooms) {
  const live = rooms.filter(r => r.live), idle = rooms.filter(r => !r.live);
  fill($('live-rooms'), live, liveCard);
  fill($('idle-rooms'), idle, idleCard);
  $('live').hidden = live.length === 0;
  $('quiet').hidden = live.length > 0;
  $('idle').hidden = live.length === 0 ? idle.length < 2 : idle.length === 0;
  $('offline').hidden = true;
  const first = (rooms.find(r => r.name === 'demo') ?? rooms[0])?.name;
  if (live.length === 0 && first) {
    put($('invite').querySelector('b'), first);
    $('invite').href = `/stage/${first}`;
    $('invite-watch').href = `/watch/${first}`;
  }
  put($('state'), live.length === 0 ? 'No room is live' : live.length === 1 ? '1 room is live' : `${live.length} rooms are live`);
  setState(live.length ? 'live' : 'quiet');
  tick();
}

function unreachable() {
  for (const id of ['live', 'quiet', 'idle']) $(id).hidden = true;
  $('offline').hidden = false;
  put($('state'), 'Not connected');
  setState('error');
}

async function look() {
  const answer = await fetch('/api/v1/rooms', { cache: 'no-store', signal: within(8000) });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return (await answer.json()).rooms ?? [];
}

setInterval(tick, 1000);
for (let misses = 0; ;) {
  try {
    show(await look());
    misses = 0;
  } catch {
    if (++misses > 1 || document.body.dataset.state === 'loading') unreachable();
  }
  await sleep(every);
  while (document.hidden) await sleep(500);
}

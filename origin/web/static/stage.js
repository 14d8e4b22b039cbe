// The stage page: from a camera to a tile of the program.
import { $, el, put, recall, remember, setState } from './dom.js';
import { bitrate, deviceTrouble, insecure, span } from './words.js';
import { Level, granted, list, open, sizes } from './devices.js';
import { Sent } from './whip.js';
import { Place } from './place.js';
import { Share } from './share.js';
import { identity } from './identity.js';

const room = document.body.dataset.room, query = new URLSearchParams(location.search), token = query.get('token') ?? '';
const video = $('video'), level = new Level();
const tracks = { audio: null, video: null };
let muted = false, cameraOff = false, place = null, run = null, since = 0;

window.tilecast = { get state() { return document.body.dataset.state; }, get publisher() { return place?.publisher ?? null; }, get place() { return place; }, tracks, sent: null, id: '' };

const said = {
  idle: ['Off air', 'Nobody sees you before you go live.'],
  preview: ['Off air', 'Only you see this. Press “Go live” when you are ready.'],
  connecting: ['Connecting', 'Connecting…'],
  live: ['Live', 'You are live. Viewers see you about a second later.'],
  reconnecting: ['Reconnecting', 'Your place is kept. Reconnecting…'],
  error: ['Off air', 'You are not live.'],
};

function state(name) {
  setState(name);
  $('pill').dataset.state = name;
  put($('pill-text'), said[name][0]);
  put($('say'), said[name][1]);
  const running = Boolean(run);
  $('go').hidden = running;
  $('stop').hidden = !running;
  $('turn-on').hidden = running || Boolean(tracks.audio || tracks.video);
  for (const id of ['name', 'size', 'codec', 'process']) $(id).disabled = running;
  $('stats').hidden = name !== 'live';
}

function notice(words) {
  $('notice').hidden = !words;
  if (!words) return;
  $('notice').classList.toggle('mild', Boolean(words.retry));
  put($('notice-title'), words.title);
  put($('notice-hint'), words.hint);
}

// Devices

const wanted = () => ({ camera: $('camera').value, microphone: $('microphone').value, size: $('size').value, process: $('process').checked });

function choices(select, devices, chosen, word) {
  const options = devices.map(d => el('option', { value: d.id }, d.label));
  if (!devices.length) options.push(el('option', { value: '' }, `No ${word} found`));
  select.replaceChildren(...options, el('option', { value: 'none' }, 'None'));
  select.value = chosen;
  if (select.selectedIndex < 0) select.selectedIndex = 0;
  select.disabled = false;
}

async function refreshDevices() {
  const devices = await list().catch(() => ({ camera: [], microphone: [] }));
  const inUse = (track, kept) => track?.getSettings().deviceId ?? recall(kept, '');
  choices($('camera'), devices.camera, $('camera').value === 'none' ? 'none' : inUse(tracks.video, 'camera'), 'camera');
  choices($('microphone'), devices.microphone, $('microphone').value === 'none' ? 'none' : inUse(tracks.audio, 'microphone'), 'microphone');
}

// use puts a new track in the place of the old one, on air too.
async function use(kind, track) {
  tracks[kind]?.stop();
  tracks[kind] = track;
  if (track) missed[kind] = '';
  if (track) {
    track.onended = () => unplugged(kind);
    if (kind === 'audio') track.enabled = !muted;
    else track.contentHint = 'motion';
  }
  await place?.publisher?.replace(kind, track).catch(() => {}); // the next connection takes it
  if (kind === 'audio') level.listen(track);
  else video.srcObject = track ? new MediaStream([track]) : null;
  dress();
}

const missed = { audio: '', video: '' }; // ids of devices that went away by themselves

function unplugged(kind) {
  const word = kind === 'video' ? 'camera' : 'microphone';
  missed[kind] = tracks[kind]?.getSettings().deviceId ?? '';
  notice({ title: `Your ${word} was disconnected.`, hint: 'Plug it in again, or choose another one from the list.' });
  use(kind, null).then(devicesChanged);
}

// devicesChanged lists what is there now, and takes up again what was missed: after it was plugged in, or woke up.
async function devicesChanged() {
  await refreshDevices();
  const devices = await list().catch(() => ({ camera: [], microphone: [] }));
  for (const [kind, word] of [['video', 'camera'], ['audio', 'microphone']]) {
    const back = missed[kind] && devices[word].some(d => d.id === missed[kind]);
    if (!back || tracks[kind]) continue;
    $(word).value = missed[kind];
    await turnOn([kind]);
  }
}

// tell lets viewers see at once that a device is off.
function tell() {
  place?.publisher?.tell({ camera: Boolean(tracks.video), microphone: Boolean(tracks.audio) && !muted });
}

function dress() {
  const on = Boolean(tracks.video);
  $('screen').hidden = on;
  put($('screen-text'), on ? '' : cameraOff ? 'Your camera is off. Viewers see your name.' : tracks.audio ? 'No camera: viewers see your name.' : 'Your picture appears here.');
  $('mic-toggle').disabled = !tracks.audio;
  $('mic-toggle').setAttribute('aria-pressed', !muted);
  $('cam-toggle').disabled = !on && !cameraOff;
  $('cam-toggle').setAttribute('aria-pressed', !cameraOff);
  tell();
  const name = $('name').value.trim();
  put($('plate'), name);
  $('plate').hidden = !name;
}

const turns = { audio: 0, video: 0 }; // a later choice overtakes a device that is still being opened

function turnOff(kind) {
  turns[kind]++;
  missed[kind] = '';
  return use(kind, null);
}

// turnOn opens what was chosen and shows it; false: it could not, and the page says why.
async function turnOn(kinds) {
  if (!navigator.mediaDevices?.getUserMedia) {
    notice(insecure(location));
    return false;
  }
  try {
    const all = kinds ?? ['audio', 'video'], mine = all.map(kind => ++turns[kind]);
    const got = await open(wanted(), kinds);
    for (const [i, kind] of all.entries()) {
      if (mine[i] === turns[kind]) await use(kind, got[kind]);
      else got[kind]?.stop();
    }
    notice(null);
    await refreshDevices();
    return true;
  } catch (error) {
    notice(deviceTrouble(error));
    return false;
  }
}

async function preview() {
  $('turn-on').disabled = true;
  cameraOff = false;
  const ok = await turnOn();
  $('turn-on').disabled = false;
  if (!run) state(ok ? (tracks.audio || tracks.video ? 'preview' : 'idle') : 'error');
  return ok;
}

async function changeDevice(select, kind, kept) {
  remember(kept, select.value === 'none' ? '' : select.value);
  if (kind === 'video') cameraOff = false;
  if (select.value === 'none') { await turnOff(kind); return; }
  if (tracks.audio || tracks.video || run) await turnOn([kind]);
}

// On air

function destination(source = '') {
  const to = new URLSearchParams({ id: window.tilecast.id });
  const name = $('name').value.trim();
  if (name) to.set('name', name);
  if (query.get('role')) to.set('role', query.get('role'));
  if (source) to.set('source', source);
  return `/whip/${room}?${to}`;
}

// goLive holds a place on air until stop() or an error that trying again does not mend.
async function goLive() {
  if (run) return;
  const mine = run = {};
  state('connecting');
  $('stop').focus(); // the button that had the focus is gone
  notice(null);
  level.wake();
  if (!tracks.audio && !tracks.video && !cameraOff && !(await preview())) return ended(mine, 'error');
  if (run !== mine) return;
  if (!tracks.audio && !tracks.video && !cameraOff) {
    notice({ title: 'There is nothing to send.', hint: 'Choose a camera or a microphone.' });
    return ended(mine, 'error');
  }
  const options = { codec: $('codec').value, maxBitrate: sizes[$('size').value].bitrate, token };
  place = new Place(() => destination(), tracks, options, (name, words) => { if (run === mine) progress(mine, name, words); });
  await place.hold();
}

function progress(mine, name, words) {
  notice(words);
  if (name === 'error') return ended(mine, name);
  if (name === 'live') {
    since ||= performance.now();
    sent = new Sent();
    tell();
  }
  state(name);
  share.offer(name === 'live');
}

function ended(mine, name) {
  if (run !== mine) return;
  run = null;
  since = 0;
  place?.stop();
  place = null;
  share.offer(false);
  share.stop();
  window.tilecast.sent = null;
  state(name);
}

function stop() {
  if (run) ended(run, tracks.audio || tracks.video || cameraOff ? 'preview' : 'idle');
  notice(null);
  $('go').focus();
}

// Figures, once a second while live.

let sent = new Sent();

const settling = 15_000; // ms in which browsers only feel their way up
const refusals = {
  size: 'You are connected, but your picture is larger than is taken here: viewers see your name. Stop, and choose a smaller picture.',
  rate: 'You are connected, but you send more than is taken here: viewers see your name. Stop, and choose a smaller picture.',
};
const limits = { cpu: ' This computer is at its limit: the picture is smaller.', bandwidth: ' The network is at its limit: the picture is smaller.' };

async function figures() {
  if (document.body.dataset.state !== 'live' || !place?.publisher) return;
  const now = sent.read(await place.publisher.pc.getStats());
  window.tilecast.sent = now;
  put($('stat-picture'), now.width && tracks.video ? `${now.width}×${now.height}${now.fps ? ` · ${now.fps} fps` : ''}` : 'off');
  put($('stat-rate'), bitrate(now.bitrate));
  put($('stat-rtt'), Number.isFinite(now.rtt) ? `${Math.round(now.rtt * 1000)} ms` : '–');
  put($('stat-time'), span((performance.now() - since) / 1000));
  put($('say'), refusals[place.publisher.refused] ?? said.live[1] + (tracks.video && performance.now() - since > settling && limits[now.limit] || ''));
}

function meter() {
  const now = muted ? 0 : Math.round(level.read() * 100);
  $('meter').style.setProperty('--level', `${now}%`);
  $('meter').setAttribute('aria-valuenow', now);
}

// Wiring

// moved looks after the connections when the network may have changed under them.
function moved() {
  place?.doubt();
  share.place?.doubt();
}

async function toggleCamera() {
  cameraOff = !cameraOff;
  if (cameraOff) await turnOff('video');
  else if (!(await turnOn(['video']))) cameraOff = true;
  dress();
}

function toggleMicrophone() {
  muted = !muted;
  if (tracks.audio) tracks.audio.enabled = !muted;
  dress();
}

function codecs() {
  const names = globalThis.RTCRtpSender?.getCapabilities?.('video')?.codecs.map(c => c.mimeType.split('/')[1].toUpperCase()) ?? [];
  for (const name of ['VP8', 'H264', 'VP9', 'AV1']) {
    if (names.includes(name)) $('codec').append(el('option', { value: name }, name === 'H264' ? 'H.264' : name));
  }
  $('codec').value = query.get('codec')?.toUpperCase() ?? recall('codec', '');
  if ($('codec').selectedIndex < 0) $('codec').selectedIndex = 0;
}

const share = new Share($('share'), (its, options, say) => new Place(() => destination('screen'), its, { ...options, token }, say), notice);

function wire() {
  $('form').onsubmit = event => { event.preventDefault(); goLive(); };
  $('turn-on').onclick = preview;
  $('stop').onclick = stop;
  $('mic-toggle').onclick = toggleMicrophone;
  $('cam-toggle').onclick = toggleCamera;
  $('camera').onchange = () => changeDevice($('camera'), 'video', 'camera');
  $('microphone').onchange = () => changeDevice($('microphone'), 'audio', 'microphone');
  $('name').oninput = () => { remember('name', $('name').value.trim()); dress(); };
  $('codec').onchange = () => remember('codec', $('codec').value);
  $('size').onchange = () => { remember('size', $('size').value); if (tracks.video) turnOn(['video']); };
  $('process').onchange = () => { if (tracks.audio) turnOn(['audio']); };
  navigator.mediaDevices?.addEventListener?.('devicechange', devicesChanged);
  for (const event of ['online', 'offline']) addEventListener(event, moved);
  navigator.connection?.addEventListener?.('change', moved);
  document.addEventListener('visibilitychange', () => { if (!document.hidden) devicesChanged(); });
  document.addEventListener('pointerdown', () => level.wake());
  addEventListener('pagehide', () => { place?.publisher?.goodbye(); share.place?.publisher?.goodbye(); });
  addEventListener('pageshow', event => { if (event.persisted && run) stop(); }); // from the back-forward cache
  setInterval(figures, 1000);
  setInterval(meter, 80);
}

async function main() {
  $('name').value = query.get('name') ?? recall('name', '');
  $('size').value = query.get('size') in sizes ? query.get('size') : recall('size', '720');
  if ($('size').selectedIndex < 0) $('size').value = '720';
  codecs();
  wire();
  dress();
  window.tilecast.id = query.get('id') || await identity(room);
  if (!navigator.mediaDevices?.getUserMedia) {
    notice(insecure(location));
    $('turn-on').disabled = $('go').disabled = true;
    state('error');
    return;
  }
  state('idle');
  if (query.get('auto') === '1') goLive();
  else if (await granted()) preview();
}

main();

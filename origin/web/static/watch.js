// The watch page: wait for a program, play it, and wait for the next, for as long as the page is open.
import { $, put, setState, sleep, within } from './dom.js';
import { Controls } from './controls.js';
import { HlsPlayer, NativePlayer, missing, nativePlayback, supported } from './player.js';
import { ServerClock } from './clock.js';
import { programKey } from './program.js';

const room = document.body.dataset.room, url = `/hls/${room}/index.m3u8`;
const every = 1000;     // ms between looks for a program
const farewell = 5000;  // ms that the end is announced
const video = $('video'), clock = new ServerClock();
const asksNative = new URLSearchParams(location.search).has('native');
let player = null;

const controls = new Controls(video, () => player);

window.tilecast = {
  video, clock,
  get hls() { return player?.hls ?? null; },
  latency: () => player?.latency() ?? NaN,
  get stalls() { return (player?.stalls ?? 0) + this.past; },
  past: 0, // stalls of earlier programs
};

// screen covers the picture with words; without words it uncovers it.
function screen(headline, detail, lost = false) {
  $('home').hidden = !lost;
  $('screen').classList.toggle('gone', !headline);
  $('screen').inert = !headline;
  if (headline) {
    put($('headline'), headline);
    put($('detail'), detail);
  }
  put($('say'), headline ? `${headline}. ${detail}` : '');
}

async function get(address, method = 'GET') {
  const sent = Date.now();
  const answer = await fetch(address, { method, cache: 'no-store', signal: within(8000) });
  clock.saw(sent, Date.now(), Date.parse(answer.headers.get('Date')), Number(answer.headers.get('Age')) || 0);
  return answer;
}

// known asks whether the server has this room at all; a server that does not say is given the benefit.
async function known() {
  try {
    const { rooms } = await (await get('/api/v1/rooms')).json();
    return !Array.isArray(rooms) || rooms.some(r => r.name === room);
  } catch {
    return true;
  }
}

function showWaiting(since) {
  if (performance.now() - since < farewell) return;
  setState('waiting');
  screen('Waiting for the stream', 'It starts here by itself as soon as someone goes live.');
}

// nextProgram resolves with the key of a program that is not the one that ended.
async function nextProgram(over, since) {
  for (let looks = 0; ; looks++) {
    try {
      const answer = await get(url);
      const key = answer.ok ? programKey(await answer.text()) : '';
      if (key && key !== over) return key;
      if (answer.status >= 500) {
        screen('The server has a problem', `It answered ${answer.status}. Trying again every second.`);
      } else if (!key && looks % 10 === 0 && !(await known())) {
        setState('waiting');
        screen('There is no such room', `This server has no room called “${room}”. Check the address, or pick another one.`, true);
      } else if (looks % 10 === 0 || performance.now() - since >= farewell && document.body.dataset.state === 'ended') {
        showWaiting(since);
      }
    } catch {
      setState('waiting');
      screen('The server does not answer', navigator.onLine ? 'Trying again every second.' : 'This device seems to be offline. Trying again every second.');
      looks = -1;
    }
    await sleep(every);
  }
}

// Playing and stalling as the video element tells it.
function watchVideo() {
  let spin = 0;
  const still = () => { clearTimeout(spin); $('spinner').hidden = true; };
  video.addEventListener('playing', () => {
    if (!player) return;
    still();
    setState('playing');
    screen('');
  });
  video.addEventListener('loadeddata', () => {
    if (!player || !controls.held) return;
    still();
    setState('paused');
    screen('');
  });
  video.addEventListener('waiting', () => {
    if (!player || document.body.dataset.state !== 'playing') return;
    if (!video.seeking) setState('stalled');
    clearTimeout(spin);
    spin = setTimeout(() => { $('spinner').hidden = false; }, 400);
  });
  video.addEventListener('timeupdate', () => {
    if (player && document.body.dataset.state === 'stalled' && !video.seeking && video.readyState > 2) { still(); setState('playing'); }
  });
  return still;
}

const still = watchVideo();

// play shows one program and resolves with how it went; see HlsPlayer.
async function play() {
  setState('loading');
  screen('Tuning in', 'One moment.');
  player = supported() && !asksNative ? new HlsPlayer(video, url, clock) : new NativePlayer(video, url, clock);
  player.hls?.on('hlsManifestParsed', () => {
    const chosen = controls.menu(player.levels);
    if (chosen >= 0) player.level = chosen;
  });
  controls.resume();
  const outcome = await player.done;
  window.tilecast.past += player.stalls;
  still();
  const last = player;
  player = null;
  last.close();
  controls.idle();
  return outcome;
}

// setClock looks again only where the first answer shows that this device's clock is off.
async function setClock() {
  for (;;) {
    try {
      await get(location.pathname, 'HEAD');
      for (let i = 0; i < 9 && !clock.right; i++) {
        await sleep(111);
        await get(location.pathname, 'HEAD');
      }
    } catch { /* the next look will do */ }
    await sleep(60_000);
  }
}

async function main() {
  if (!asksNative && !supported() && !nativePlayback(video)) {
    setState('error');
    if (missing()) screen('The player is missing from this build', 'hls.js was not there when tilecast was compiled. Run “make build”, which fetches it from npm, then start tilecast again.');
    else screen('This browser cannot play the stream', 'It has neither Media Source Extensions nor HLS of its own. A current Firefox, Chrome, Edge or Safari can.');
    return;
  }
  setClock();
  for (let over = '', since = -Infinity, failures = 0; ;) {
    const key = await nextProgram(over, since);
    const outcome = await play();
    if (outcome === 'failed') {
      failures++;
      setState('waiting');
      screen('The connection was lost', 'Reconnecting by itself.');
      await sleep(Math.min(5000, 500 * failures));
      continue;
    }
    failures = 0;
    over = key;
    if (outcome === 'ended') {
      since = performance.now();
      setState('ended');
      screen('The stream has ended', 'If it starts again, it plays here by itself.');
    }
  }
}

main();

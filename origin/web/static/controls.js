// The bar under the picture, the keyboard, and sound that browsers hold back.
import { $, el, put, recall, remember } from './dom.js';
import { behind, span } from './words.js';
import { qualities } from './program.js';

const calmAfter = 2500; // ms without a move before the bar fades
const short = 90;       // s of program to go back to that need no timeline

export class Controls {
  // current() is the player in use, or null.
  constructor(video, current) {
    Object.assign(this, { video, current, box: $('player'), calm: 0, held: false, sliding: false });
    video.volume = Number(recall('volume', '1')) || 1;
    $('volume').value = video.volume;
    this.wanted = recall('muted') !== 'yes';
    video.muted = !this.wanted;
    this.wire();
    this.sound();
    this.paused();
    setInterval(() => this.tick(), 250);
  }

  wire() {
    const { video, box } = this;
    $('play').onclick = () => this.toggle();
    $('mute').onclick = () => this.mute(!video.muted);
    $('tap').onclick = () => this.mute(false);
    $('start').onclick = () => this.begin();
    $('live').onclick = () => this.toLive();
    $('full').onclick = () => this.full();
    $('volume').oninput = () => this.setVolume(Number($('volume').value));
    $('timeline').oninput = () => { this.sliding = true; this.stir(); this.where(Number($('timeline').value)); };
    $('timeline').onchange = () => this.slide();
    $('quality').onchange = () => { const p = this.current(); if (p) p.level = Number($('quality').value); };
    video.onclick = () => this.toggle();
    video.ondblclick = () => this.full();
    video.addEventListener('volumechange', () => this.sound());
    for (const event of ['play', 'pause', 'emptied']) video.addEventListener(event, () => this.paused());
    document.addEventListener('fullscreenchange', () => { $('full').dataset.on = Boolean(document.fullscreenElement); $('full').setAttribute('aria-label', document.fullscreenElement ? 'Leave full screen' : 'Full screen'); });
    document.addEventListener('keydown', event => this.key(event));
    for (const event of ['pointermove', 'pointerdown', 'focusin', 'keydown']) box.addEventListener(event, () => this.stir());
    box.addEventListener('pointerleave', () => { this.calm = 0; });
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const on = event.target, field = on.matches?.('select, input'), pressable = on.matches?.('button, a');
    const action = {
      ' ': pressable ? null : () => this.toggle(), k: () => this.toggle(), m: () => this.mute(!this.video.muted), f: () => this.full(),
      ArrowLeft: () => this.current()?.seek(-5), ArrowRight: () => this.current()?.seek(5),
      ArrowUp: () => this.setVolume(this.video.volume + 0.1), ArrowDown: () => this.setVolume(this.video.volume - 0.1),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action || (field && !['m', 'f', 'k'].includes(event.key.toLowerCase()))) return;
    if (on.matches?.('select') && event.key.length === 1) return; // typing picks an option
    event.preventDefault();
    this.stir();
    action();
  }

  // resume begins a program, unless the viewer had paused the one before.
  resume() {
    if (!this.held) this.begin();
  }

  // begin plays with sound; where the browser wants a gesture for that, muted, and offers the sound.
  async begin() {
    const { video } = this;
    $('start').hidden = true;
    this.held = false;
    video.muted = !this.wanted;
    try {
      await video.play();
    } catch (error) {
      if (error.name !== 'NotAllowedError') return; // a newer load took over
      if (video.muted) { $('start').hidden = false; return; }
      video.muted = true;
      $('tap').hidden = false;
      await video.play().catch(() => { $('tap').hidden = true; $('start').hidden = false; });
    }
  }

  toggle() {
    const { video } = this;
    if (!this.current()) return;
    if (!video.paused) { this.held = true; video.pause(); return; }
    this.toLive();
    this.begin();
  }

  toLive() { this.current()?.goLive(); }

  // slide goes where the timeline was let go. Its value is in seconds from live, 0 or less.
  slide() {
    this.sliding = false;
    const player = this.current(), range = player?.range();
    if (range) player.seekTo(range.to + Number($('timeline').value));
  }

  // where says how far from live a place on the timeline is.
  where(seconds) {
    const text = seconds > -1 ? 'Live' : `${span(-seconds)} ago`;
    $('timeline').setAttribute('aria-valuetext', text);
    $('timeline').title = text;
  }

  // timeline shows how much there is to go back to, and where we are in it.
  timeline(player) {
    const range = player.range(), list = $('timeline'), long = Boolean(range) && range.to - range.from > short;
    list.hidden = !long;
    if (!long || this.sliding) return;
    list.min = Math.floor(range.from - range.to);
    list.value = player.live ? 0 : range.at - range.to;
    list.style.setProperty('--at', `${100 * (1 - list.value / list.min)}%`);
    this.where(Number(list.value));
  }

  mute(muted) {
    this.wanted = !muted;
    this.video.muted = muted;
    if (!muted && this.video.volume === 0) this.video.volume = 0.5;
    if (!muted && this.video.paused && this.current()) this.begin();
    remember('muted', muted ? 'yes' : 'no');
  }

  setVolume(volume) {
    this.video.volume = Math.min(1, Math.max(0, volume));
    remember('volume', this.video.volume.toFixed(2));
    if (this.video.muted !== (this.video.volume === 0)) this.mute(this.video.volume === 0);
  }

  async full() {
    if (document.fullscreenElement) { await document.exitFullscreen(); return; }
    if (this.box.requestFullscreen) { await this.box.requestFullscreen().catch(() => {}); return; }
    this.video.webkitEnterFullscreen?.(); // iPhone
  }

  sound() {
    const silent = this.video.muted || this.video.volume === 0;
    $('mute').dataset.on = silent;
    $('mute').setAttribute('aria-label', silent ? 'Unmute' : 'Mute');
    $('volume').value = silent ? 0 : this.video.volume;
    if (!silent) $('tap').hidden = true;
  }

  paused() {
    const { paused } = this.video;
    $('play').dataset.on = paused;
    $('play').setAttribute('aria-label', paused ? 'Play' : 'Pause');
  }

  // menu offers the rungs of a program, and keeps a choice that is still there.
  menu(levels) {
    const list = $('quality'), chosen = list.selectedOptions[0]?.textContent, all = qualities(levels);
    list.replaceChildren(el('option', { value: -1 }, 'Auto'), ...all.map(q => el('option', { value: q.index }, q.label)));
    const same = all.find(q => q.label === chosen);
    list.value = same ? same.index : -1;
    list.disabled = all.length < 2;
    return same ? same.index : -1;
  }

  idle() {
    $('quality').disabled = $('live').disabled = true;
    $('tap').hidden = $('start').hidden = true;
    $('latency').hidden = $('timeline').hidden = true;
    $('live').classList.remove('now');
    put($('live-text'), 'Live');
  }

  stir() {
    this.calm = performance.now() + calmAfter;
    this.box.classList.remove('calm');
  }

  tick() {
    const playing = document.body.dataset.state === 'playing' && !this.video.paused;
    if (playing && performance.now() > this.calm) this.box.classList.add('calm');
    else if (!playing) this.box.classList.remove('calm');
    const player = this.current();
    if (!player || this.video.readyState < 2) return;
    this.timeline(player);
    const here = player.live && !this.video.paused;
    $('live').classList.toggle('now', here);
    $('live').disabled = here;
    put($('live-text'), here ? 'Live' : 'Back to live');
    const far = behind(player.latency());
    put($('latency-text'), far);
    $('latency').hidden = !far;
  }
}

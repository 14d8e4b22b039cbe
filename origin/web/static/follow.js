// Keeps a <video> that hls.js fills close to live: the loop around Steer.
import { Steer, fastest } from './steer.js';
import { dateAt } from './program.js';

const seconds = () => performance.now() / 1000;

export class Follow {
  // clock is a ServerClock; ended() is called when a program that is over stands still at its last second,
  // which hls.js does not always notice. close() ends the loop.
  constructor(hls, video, clock, ended) {
    Object.assign(this, { hls, video, clock, ended, steer: null, following: true, stalls: 0, details: null, moved: { at: 0, to: NaN } });
    this.listening = new AbortController();
    const on = (event, handler) => video.addEventListener(event, handler, { signal: this.listening.signal });
    on('waiting', () => this.waiting());
    on('seeking', () => this.steer?.started(seconds()));
    on('playing', () => { this.played = true; this.steer?.started(seconds()); });
    hls.on('hlsLevelUpdated', (_, data) => this.updated(data.details));
    hls.on('hlsBufferAppended', () => this.look());
    this.timer = setInterval(() => this.look(), 100);
  }

  close() {
    clearInterval(this.timer);
    this.listening.abort();
    this.video.playbackRate = 1;
  }

  // updated takes a playlist. Streams with parts are steered here; hls.js does the others.
  updated(details) {
    this.details = details;
    if (!details.partTarget || this.steer) return;
    this.steer = new Steer(details.partTarget);
    if (this.played) this.steer.started(seconds());
    this.hls.config.maxLiveSyncPlaybackRate = 1; // its own steering would undo ours
  }

  // waiting counts a rest that nobody asked for.
  waiting() {
    if (!this.played || this.video.seeking || this.video.paused || !this.details?.live) return;
    this.stalls++;
    this.steer?.stalled(seconds());
  }

  ahead() {
    const { buffered, currentTime } = this.video;
    for (let i = 0; i < buffered.length; i++) {
      if (buffered.start(i) <= currentTime + 0.1 && buffered.end(i) >= currentTime) return buffered.end(i);
    }
    return NaN;
  }

  look() {
    const { steer, video } = this, end = this.ahead(), now = seconds();
    if (this.details?.live === false) this.rest(now);
    if (!steer || Number.isNaN(end)) return;
    steer.saw(now, end);
    if (video.paused || video.seeking) return;
    if (!this.following || !this.details.live) return this.play(1);
    const leap = steer.jump(now, video.currentTime);
    if (leap) {
      video.currentTime += leap;
      return this.play(1);
    }
    this.play(steer.rate(now, video.currentTime));
  }

  rest(now) {
    const { currentTime, paused } = this.video;
    if (currentTime !== this.moved.to || paused) this.moved = { at: now, to: currentTime };
    else if (now - this.moved.at > 1 && currentTime > this.details.edge - 1) this.ended();
  }

  play(rate) {
    if (this.video.playbackRate !== rate) this.video.playbackRate = rate;
  }

  // live goes back to the newest picture and stays there.
  live() {
    this.following = true;
    const sync = this.hls.liveSyncPosition;
    if (sync !== null && sync - this.video.currentTime > 1) this.video.currentTime = sync;
  }

  // range is what can be seen, and where we are, in seconds of the video; null while unknown.
  range() {
    const to = this.hls.liveSyncPosition;
    if (!this.details || to === null) return null;
    const from = this.details.fragmentStart;
    return { from, to, at: Math.min(to, Math.max(from, this.video.currentTime)) };
  }

  seek(by) { this.seekTo(this.video.currentTime + by); }

  // seekTo moves within what the playlist offers; close to live means live again.
  seekTo(to) {
    if (!this.details) return;
    if (to > (this.hls.liveSyncPosition ?? Infinity) - 1) return this.live();
    this.following = false;
    this.video.currentTime = Math.max(to, this.details.fragmentStart + 0.5);
  }

  // latency is capture to screen in seconds, by PROGRAM-DATE-TIME; NaN while unknown.
  latency() {
    const shown = dateAt(this.details?.fragments, this.video.currentTime);
    return (this.clock.now(Date.now()) - shown) / 1000;
  }
}

export { fastest };

// One program in one <video>: hls.js where there is MSE, the browser's own player elsewhere.
import { Follow, fastest } from './follow.js';
import { metered } from './meter.js';
import { Retreat } from './retreat.js';
import { Unstick } from './unstick.js';

// What hls.js does with a program. Two rungs need no bandwidth test, which would load the first fragment twice.
const settings = bandwidth => ({
  lowLatencyMode: true,
  maxLiveSyncPlaybackRate: fastest, // until Follow takes over
  liveSyncOnStallIncrease: 0.25,
  maxFragLookUpTolerance: 0.1, // below a part, or the last one of a program is never loaded
  // No backBufferLength: each time hls.js trims, it loads nothing for a second or two, longer than we are from
  // running dry. Browsers drop the oldest media by themselves when their buffers are full.
  testBandwidth: false,
  abrController: metered(globalThis.Hls.DefaultConfig.abrController),
  abrEwmaDefaultEstimate: bandwidth,
  errorPenaltyExpireMs: 10_000, // a rung whose parts were gaps, because the gateway's machine was busy, is taken again
});

export const supported = () => Boolean(globalThis.Hls?.isSupported());
export const missing = () => !globalThis.Hls;

export function nativePlayback(video) {
  const mse = globalThis.ManagedMediaSource || globalThis.MediaSource;
  return !mse && Boolean(video.canPlayType('application/vnd.apple.mpegurl'));
}

// guess is a first idea of the bandwidth, in bit/s, before anything was measured.
function guess() {
  const mbits = navigator.connection?.downlink;
  return mbits ? Math.max(0.6, mbits) * 1e6 : 5e6;
}

let measured = 0; // bit/s, kept from one program to the next

// HlsPlayer plays until `done` resolves: 'ended' (played to ENDLIST), 'over' (was over before it
// began), or 'failed'. It is used once.
export class HlsPlayer {
  constructor(video, url, clock) {
    this.video = video;
    this.done = new Promise(resolve => { this.finish = resolve; });
    const hls = this.hls = new globalThis.Hls(settings(measured || guess()));
    this.follow = new Follow(hls, video, clock, () => this.finish('ended'));
    this.retreat = new Retreat(hls);
    this.unstick = new Unstick(hls);
    this.recovered = -Infinity;
    this.began = false;
    hls.on('hlsFragBuffered', () => { this.began = true; });
    hls.on('hlsLevelLoaded', (_, data) => { if (!data.details.live && !this.began) this.finish('over'); });
    hls.on('hlsMediaEnded', () => this.finish('ended'));
    hls.on('hlsError', (_, data) => { if (data.fatal) this.failed(data); });
    hls.attachMedia(video);
    hls.loadSource(url);
  }

  get stalls() { return this.follow.stalls; }
  get live() { return this.follow.following; }
  latency() { return this.follow.latency(); }
  goLive() { this.follow.live(); }
  seek(by) { this.follow.seek(by); }
  seekTo(to) { this.follow.seekTo(to); }
  range() { return this.follow.range(); }
  get levels() { return this.hls.levels; }
  get level() { return this.hls.autoLevelEnabled ? -1 : this.hls.loadLevel; }
  set level(index) { this.hls.loadLevel = index; } // with the next part: so close to live nothing is worth flushing

  // failed gives a decoder one more chance in ten seconds; anything else begins afresh.
  failed(data) {
    console.warn('tilecast: playback failed:', data.details, data.reason ?? data.error?.message ?? '');
    if (data.type === 'mediaError' && performance.now() - this.recovered > 10_000) {
      this.recovered = performance.now();
      const playing = !this.video.paused;
      this.hls.recoverMediaError(); // its load() pauses
      if (playing) this.video.play().catch(() => {});
      return;
    }
    this.finish('failed');
  }

  close() {
    if (this.hls.bandwidthEstimate > 0 && this.began) measured = this.hls.bandwidthEstimate;
    this.follow.close();
    this.retreat.close();
    this.unstick.close();
    this.hls.destroy();
    this.finish('failed');
  }
}

// NativePlayer lets the browser do it all (Safari without MSE): no quality menu, no steering.
export class NativePlayer {
  constructor(video, url, clock) {
    Object.assign(this, { video, clock, hls: null, stalls: 0, levels: [], level: -1, live: true });
    this.done = new Promise(resolve => { this.finish = resolve; });
    this.listening = new AbortController();
    const on = (event, handler) => video.addEventListener(event, handler, { signal: this.listening.signal });
    on('ended', () => this.finish('ended'));
    on('error', () => this.finish('failed'));
    on('waiting', () => { if (video.currentTime > 0 && !video.seeking) this.stalls++; });
    video.src = url;
  }

  latency() {
    const start = this.video.getStartDate?.()?.getTime();
    return start ? (this.clock.now(Date.now()) - start) / 1000 - this.video.currentTime : NaN;
  }

  goLive() {
    const { seekable } = this.video;
    if (seekable.length) this.video.currentTime = seekable.end(seekable.length - 1);
  }

  seek(by) { this.seekTo(this.video.currentTime + by); }
  seekTo(to) { this.video.currentTime = to; }

  range() {
    const { seekable, currentTime } = this.video;
    return seekable.length ? { from: seekable.start(0), to: seekable.end(seekable.length - 1), at: currentTime } : null;
  }

  close() {
    this.listening.abort();
    this.video.removeAttribute('src');
    this.video.load();
    this.finish('failed');
  }
}

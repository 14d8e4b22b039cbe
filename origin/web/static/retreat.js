// Lets hls.js take a smaller rung as soon as the line is too narrow: the hands of adapt.js.
import { judge, lineRate } from './adapt.js';

const every = 50; // ms between looks at a part on its way

export class Retreat {
  // close() ends it.
  constructor(hls) {
    Object.assign(this, { hls, loading: null, next: -1, sn: -1, level: -1, loads: -1, timer: setInterval(() => this.look(), every) });
    hls.on('hlsLevelSwitching', (_, { level }) => this.switching(level));
    hls.on('hlsFragLoading', (_, { frag, part }) => this.began(frag, part));
    hls.on('hlsFragLoaded', (_, { frag, part }) => this.loaded(frag, part));
  }

  close() { clearInterval(this.timer); }

  // switching keeps the smaller rung up to the end of the segment: to go back in the middle of it what has been seen of the
  // larger one has to be loaded once more.
  switching(level) {
    if (level < this.level) this.hls.autoLevelCapping = level;
    this.level = level;
  }

  began(frag, part) {
    if (frag.type !== 'main' || frag.sn === 'initSegment') return;
    if (frag.sn > this.sn) this.hls.autoLevelCapping = -1;
    if (frag.level !== this.loads) this.forget(this.loads, frag.sn);
    this.sn = frag.sn;
    this.loads = frag.level;
    this.loading = part && frag.level >= 0 ? { frag, part } : null;
  }

  // forget tells hls.js that a rung's parts of segment sn are gone from the buffer: those of another one take their place. If it comes
  // back within the segment, it would go on behind the last part that it has had, and without the ones before it browsers
  // throw away all up to the next key frame.
  forget(level, sn) {
    for (const part of this.hls.levels[level]?.details?.partList ?? []) if (part.fragment.sn >= sn) part.clearElementaryStreamInfo();
  }

  // look judges the part on its way, and stops it where that saves time.
  look() {
    if (!this.loading) return;
    const { frag, part } = this.loading, { loading, loaded, total } = part.stats;
    if (!loading.first || loading.end || part.stats.aborted) return;
    const verdict = this.judge(frag, part, (performance.now() - loading.first) / 1000, loaded, total);
    if (verdict?.now) {
      this.loading = null;
      this.retreat(verdict.level, lineRate(loaded, (performance.now() - loading.first) / 1000));
      frag.abortRequests();
    }
  }

  loaded(frag, part) {
    if (frag.type !== 'main' || !part) return;
    const { loading, loaded } = part.stats, time = (loading.end - loading.first) / 1000;
    this.loading = null;
    const verdict = this.judge(frag, part, time, loaded, loaded), last = this.left(frag, part) < part.duration / 2;
    if (verdict) this.next = verdict.level;
    if (last && this.next >= 0 || verdict?.now) this.retreat(this.next, lineRate(loaded, time));
  }

  judge(frag, part, time, bytes, total) {
    const { hls } = this;
    if (!hls.autoLevelEnabled || frag.level !== hls.loadLevel) return null;
    return judge({
      bytes, total, time, duration: part.duration, into: part.start - frag.start, left: this.left(frag, part),
      rates: hls.levels.map(l => l.averageBitrate || l.bitrate), level: frag.level,
    });
  }

  // left is what comes of the segment behind part. A segment that is still being made is as long as the others.
  left(frag, part) {
    const { details } = this.hls.levels[frag.level] ?? {}, whole = details?.fragments.at(-1)?.duration ?? frag.duration;
    return Math.max(0, frag.start + whole - part.start - part.duration);
  }

  // retreat makes level the one to load next; the line's rate keeps hls.js from going back at once.
  retreat(level, line) {
    this.next = -1;
    if (line > 0) this.hls.bandwidthEstimate = line;
    this.hls.nextLoadLevel = level;
  }
}

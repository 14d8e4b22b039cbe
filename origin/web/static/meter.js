// What hls.js believes that the line gives: its own choice of rungs, fed with what parts tell.
//
// By itself it adds to a part's transfer the time to parse it and whatever its first byte took beyond the usual, and lets each
// count by the time that it took. That is right for segments. A part of a calm program is a few kilobytes: its measure is the
// noise of the viewer's machine, one slow moment counts for as much as a minute, and on any line such viewers were left with a
// smaller picture. So parts count by what they play, by their transfer alone, and those that tell nothing let trust grow.
import { lineRate, proof } from './adapt.js';

const patience = 30_000; // ms after a line was too slow in which trust does not grow
const trust = 1.5;       // what a part that tells nothing is taken for, of what is believed: 4 % more each second
const ample = 2;         // of the largest rung's rate: as much as matters

// reading is what the line gives by a part of so many bytes that came in so many seconds after its first one; NaN: it tells nothing.
// What came at once shows that the line gives no less than so much in a while that proves anything.
export function reading({ bytes, time }, believed) {
  const line = lineRate(bytes, Math.max(time, proof));
  return time >= proof || line > believed ? line : NaN;
}

// metered makes such a controller of the one of hls.js, for its option abrController.
export const metered = Abr => class extends Abr {
  slow = -Infinity; // when a line was too slow, in ms as performance.now()

  onFragBuffered(_, { frag, part }) {
    const stats = part?.stats.loaded ? part.stats : frag.stats;
    if (stats.aborted || frag.type !== 'main' || frag.sn === 'initSegment') return;
    const seconds = part?.duration ?? frag.duration, believed = this.bwEstimator.getEstimate();
    const told = reading({ bytes: stats.loaded, time: (stats.loading.end - stats.loading.first) / 1000 }, believed);
    this.bwEstimator.sample(seconds * 1000, (told || this.untold(believed)) * seconds / 8); // averages in time, of bytes
    stats.bwEstimate = this.bwEstimator.getEstimate();
  }

  untold(believed) {
    const enough = ample * Math.max(...this.hls.levels.map(l => l.maxBitrate));
    return performance.now() - this.slow < patience ? believed : Math.max(believed, Math.min(believed * trust, enough));
  }

  // resetEstimator is called with what a line gave that was too slow.
  resetEstimator(rate) {
    super.resetEstimator(rate);
    this.slow = performance.now();
  }
};

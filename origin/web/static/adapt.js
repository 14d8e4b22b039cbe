// When to take a smaller picture at once: so close to live there is no time to learn an average. No DOM here; all times
// in seconds, rates in bit/s.
//
// hls.js measures bandwidth over several seconds, and here a part and a half is all that lies between a viewer and a
// stall. But a part is complete when its first byte comes, so what follows shows what the line gives, each time. Where
// a part takes longer than it plays, the rung is too much.
//
// Another rung can only be entered at a key frame: in the middle of a segment what has been seen of it
// must be loaded once more. So near a segment's end it is quicker to bear with it, and to change at the next one.

const slack = 0.9;         // of its own length that a part may take
const head = 1.15;         // of its rate that a rung needs from the line, for sound and playlists
const overhead = 0.1;      // to ask for another rung
export const proof = 0.06; // of transfer that tells anything
const little = 6000;       // bytes that do not either: they may come at once on any line

// lineRate is what the line gives: bytes loaded in so many seconds since the first one; NaN: not to be told yet.
export function lineRate(bytes, time) {
  return time < proof || bytes < little ? NaN : bytes * 8 / time;
}

// judge looks at a part that is on its way, or has come: {bytes, total, time, duration, into, left, rates, level}. time is since the
// first byte, duration the part's, into and left are seconds of the segment before this part and behind it, rates of all
// rungs, of which this is number level. It answers {level, now}: the rung to take, at once or from the next segment on;
// null: go on as it is.
export function judge({ bytes, total, time, duration, into, left, rates, level }) {
  const line = lineRate(bytes, time);
  if (level <= 0 || Number.isNaN(line)) return null;
  const takes = (total || rates[level] * duration / 8) * 8 / line;
  if (takes <= slack * duration) return null;
  let to = level - 1;
  while (to > 0 && rates[to] * head > line) to--;
  const bear = (takes / duration - 1) * (duration + left); // behind by so much at the segment's end
  const again = (into + duration) * rates[to] / line + overhead - (takes - time);
  return { level: to, now: again < bear };
}

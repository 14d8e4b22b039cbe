// How fast to play so that a viewer stays close to live and never runs dry. No DOM here; all times in seconds.
//
// Media arrives in steps of one part, so the end of the buffer is a saw-tooth. Seen against a steady clock its
// lowest points are a level line, whatever the playback rate: `edge(now) = lowest(bufferEnd - t) + now`. What lies
// between that line and the playhead is the cushion, all that protects against the next late part. Steering
// keeps the cushion at a goal: no clock of the server is needed, and jitter moves the line by itself.

const memory = 10;      // how long a late part is remembered
const settle = 0.7;     // after a start, in which a backlog is still loading
const fresh = 1.5;      // what counts as happening now
const gain = 0.5;       // of the excess, made up per second
const slow = 0.95;      // when the cushion wears thin
const jumpAt = 4;       // further behind than this: seek, rather than run

export const fastest = 1.5;

export class Steer {
  // partTarget is PART-TARGET. The goal begins at 1.4 parts and never leaves 0.28 to 1 s.
  constructor(partTarget) {
    this.base = Math.min(1, Math.max(0.28, 1.4 * partTarget));
    this.step = Math.max(0.12, partTarget / 2);
    this.extra = 0;
    this.calmSince = -Infinity;
    this.current = 1;
    this.listensAt = Infinity;
    this.forget();
  }

  forget() {
    this.end = NaN;
    this.lows = []; // {at, low}: bufferEnd - now just before media arrived
  }

  // saw takes the end of the buffer around the playhead, at each change and now and then between.
  saw(now, end) {
    if (end < this.end - 0.001) this.forget(); // flushed, or sought elsewhere
    if (end > this.end && now >= this.listensAt) this.lows.push({ at: now, low: this.end - now });
    this.end = end;
    while (this.lows.length && this.lows[0].at < now - memory) this.lows.shift();
  }

  // stalled takes a rest that nobody asked for: keep further away from now on. The goal comes back slowly.
  stalled(now) {
    this.extra = Math.min(1.5, this.goal(now) - this.base + this.step);
    this.calmSince = now;
    this.listensAt = Infinity;
    this.forget();
  }

  // started takes the moment when pictures begin to move: at first, after a stall, after a seek.
  started(now) {
    this.listensAt = now + settle;
    this.forget();
  }

  // goal is the cushion to keep: after a stall it is larger, and half a minute later shrinks by 3 ms each second.
  goal(now) {
    return this.base + Math.max(0, this.extra - 0.003 * Math.max(0, now - this.calmSince - 30));
  }

  // cushion is the least buffer ahead of a playhead at `position`, as the last `span` seconds went; NaN: unknown.
  cushion(now, position, span = memory) {
    let low = this.end - now;
    for (const l of this.lows) if (l.at >= now - span) low = Math.min(low, l.low);
    return low + now - position;
  }

  // rate is the playback rate to use from now on. It changes rarely, because each change may be heard.
  rate(now, position) {
    if (this.lows.length < 3) return (this.current = 1);
    const goal = this.goal(now), thin = this.cushion(now, position, fresh);
    if (thin < goal * (this.current < 1 ? 0.75 : 0.45)) return (this.current = slow);
    const excess = this.cushion(now, position) - goal;
    if (excess < (this.current > 1 ? 0.02 : 0.06)) return (this.current = 1);
    const wanted = Math.min(fastest, 1.02 + Math.floor(excess * gain * 50) / 50);
    if (Math.abs(wanted - this.current) > 0.011) this.current = wanted;
    return this.current;
  }

  // jump says how far to seek forward, or 0: running would take too long.
  jump(now, position) {
    const excess = this.cushion(now, position, fresh) - this.goal(now);
    return excess > jumpAt ? excess : 0;
  }
}

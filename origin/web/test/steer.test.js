import test from 'node:test';
import assert from 'node:assert/strict';
import { Steer, fastest } from '../static/steer.js';

// play simulates a viewer for `length` seconds of virtual time. Part n of the media, [n*part, (n+1)*part), arrives
// `delay` after its last sample was captured, plus late(n). It answers what was seen: stalls, rates, latencies.
function play({ part, delay, late = () => 0, length = 120, behind = 3 * part, every = 0.05 }) {
  const steer = new Steer(part), seen = { stalls: 0, latency: [], rates: [], goals: [] };
  const first = 100;
  let n = 0, end = first, position = null, stalled = false, arrivals = -Infinity;
  for (let step = 0; step * every < length; step++) {
    const now = first + step * every;
    for (;;) { // parts are appended in order
      arrivals = Math.max(arrivals, first + (n + 1) * part + delay + late(n));
      if (arrivals > now) break;
      steer.saw(arrivals, end = first + ++n * part);
    }
    if (position === null) {
      if (end - first < behind) continue;
      position = end - behind;
      steer.started(now);
    }
    steer.saw(now, end);
    if (stalled && end - position < part) continue;
    if (stalled) steer.started(now);
    stalled = false;
    const rate = steer.rate(now, position);
    position += rate * every + steer.jump(now, position);
    if (position >= end) {
      position = end;
      stalled = true;
      seen.stalls++;
      steer.stalled(now);
    }
    seen.rates.push(rate);
    seen.latency.push(now + every - position);
    seen.goals.push(steer.goal(now));
  }
  return seen;
}

const p95 = values => [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.95)];
const settled = seen => seen.latency.slice(200);

// A generator, so that a failure can be repeated.
function noise(seed) {
  return () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
}

// The delays are D plus half of what encoding, packaging and fetching may take; see DESIGN section 3.
for (const [name, part, delay, goal] of [['ultra', 0.2, 0.2, 0.95], ['low', 1 / 3, 0.27, 1.5]]) {
  test(`${name}: within ${goal} s of the camera, without a stall`, () => {
    const random = noise(7);
    const seen = play({ part, delay, late: () => random() ** 3 * 0.12 });
    assert.equal(seen.stalls, 0);
    assert.ok(p95(settled(seen)) < goal, `p95 ${p95(settled(seen))}`);
  });

  test(`${name}: comes in from far behind, never faster than allowed, and then plays at 1`, () => {
    const seen = play({ part, delay, behind: 2.5 });
    assert.equal(seen.stalls, 0);
    assert.ok(Math.max(...seen.rates) <= fastest);
    assert.ok(p95(seen.latency.slice(600)) < goal);
    assert.ok(seen.rates.slice(-600).every(r => r === 1), 'still steering after it arrived');
  });
}

test('an offline gap ends in a jump, not in a long run', () => {
  const seen = play({ part: 0.2, delay: 0.2, behind: 8 });
  assert.ok(seen.latency[3] < 1.5, `${seen.latency[3]} s behind`);
});

test('a late part every four seconds is learnt: at most two stalls in ten minutes', () => {
  const seen = play({ part: 0.2, delay: 0.2, late: n => (n % 20 === 19 ? 0.45 : 0), length: 600 });
  assert.ok(seen.stalls <= 2, `${seen.stalls} stalls`);
});

test('one hiccup is forgiven after some minutes', () => {
  const seen = play({ part: 0.2, delay: 0.2, late: n => (n === 100 ? 0.8 : 0), length: 400 });
  assert.equal(seen.stalls, 1);
  assert.ok(Math.max(...seen.goals) > seen.goals[0]);
  assert.equal(seen.goals.at(-1), seen.goals[0]);
  assert.ok(seen.latency.at(-1) < 0.95);
});

test('a cushion that wears thin slows playback down instead of stalling', () => {
  const seen = play({ part: 0.2, delay: 0.2, late: n => (n > 100 ? Math.min(0.25, (n - 100) * 0.01) : 0) });
  assert.equal(seen.stalls, 0);
  assert.ok(seen.rates.includes(0.95));
});

test('after a stall it closes up again within ten seconds', () => {
  const seen = play({ part: 0.2, delay: 0.2, late: n => (n === 100 ? 0.9 : 0), length: 60 });
  assert.equal(seen.stalls, 1);
  const at = seen.latency.findIndex(l => l > 1);
  assert.ok(at > 0 && seen.latency[at + 200] < 0.95, `${seen.latency[at + 200]}`);
});

test('without knowledge it leaves the rate alone', () => {
  const steer = new Steer(0.2);
  assert.equal(steer.rate(1, 0), 1);
  assert.equal(steer.jump(1, 0), 0);
  steer.saw(1, 10);
  assert.equal(steer.rate(1, 0), 1);
});

test('a flushed buffer is a new beginning', () => {
  const steer = new Steer(0.2);
  steer.started(-1);
  for (let i = 0; i < 9; i++) steer.saw(i * 0.2, 10 + i * 0.2);
  assert.equal(steer.lows.length, 8);
  steer.saw(2, 5);
  assert.equal(steer.lows.length, 0);
});

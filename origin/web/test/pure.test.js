import test from 'node:test';
import assert from 'node:assert/strict';
import { ServerClock } from '../static/clock.js';
import { dateAt, programKey, qualities } from '../static/program.js';
import * as words from '../static/words.js';
import { Sent, prefer, resending } from '../static/whip.js';
import { loudness } from '../static/devices.js';
import { fragment, restarted } from '../static/fragment.js';
import { judge } from '../static/adapt.js';
import { metered, reading } from '../static/meter.js';
import { Retreat } from '../static/retreat.js';
import { Rise, active, encodings } from '../static/layers.js';
import { iceServers, link, links } from '../static/links.js';
import { Pulse } from '../static/pulse.js';

// ask simulates answers: the true offset, round trips of 40 ms, asked every 111 ms.
function ask(clock, offset, times) {
  for (let i = 0, t = 1_000_250; i < times; i++, t += 111) {
    const served = t + 20 + offset;
    clock.saw(t, t + 40, Math.floor(served / 1000) * 1000);
  }
}

test('a clock that may be right is left alone', () => {
  const clock = new ServerClock();
  ask(clock, 0, 12);
  assert.equal(clock.offset, 0);
  assert.ok(clock.right);
});

test('a clock that is wrong is corrected to a tenth of a second', () => {
  for (const offset of [-3_600_000, -4321, 2345, 86_400_000]) {
    const clock = new ServerClock();
    ask(clock, offset, 12);
    assert.ok(Math.abs(clock.offset - offset) < 120, `${clock.offset} for ${offset}`);
  }
});

test('a clock that was set is learnt anew, and nonsense is ignored', () => {
  const clock = new ServerClock();
  ask(clock, 5000, 12);
  ask(clock, -9000, 12);
  assert.ok(Math.abs(clock.offset + 9000) < 120);
  clock.saw(1, 2, NaN);
  assert.ok(Math.abs(clock.offset + 9000) < 120);
});

test('an answer from a cache counts with its Age', () => {
  const clock = new ServerClock();
  clock.saw(100_000, 100_020, 40_000, 60);
  assert.ok(clock.right);
});

const playlist = id => `#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,URI="${id}/audio/stream.m3u8"\n#EXT-X-STREAM-INF:BANDWIDTH=1\n${id}/main-720p/stream.m3u8\n`;

test('programs are told apart by what the playlist points to', () => {
  assert.equal(programKey(playlist('a')), 'a/main-720p/stream.m3u8');
  assert.notEqual(programKey(playlist('a')), programKey(playlist('b')));
  assert.equal(programKey('<html>a proxy speaks</html>'), '');
  assert.equal(programKey(''), '');
});

test('the quality menu has each height once, best first, with the index of hls.js', () => {
  const levels = [{ height: 360, bitrate: 6e5 }, { height: 720, bitrate: 2e6 }, { height: 720, bitrate: 3e6 }];
  assert.deepEqual(qualities(levels), [{ index: 2, label: '720p' }, { index: 0, label: '360p' }]);
  assert.deepEqual(qualities([]), []);
});

test('a place on the timeline has a date', () => {
  const fragments = [{ start: 10, programDateTime: 1000_000 }, { start: 11, programDateTime: 1001_000 }];
  assert.equal(dateAt(fragments, 11.5), 1001_500);
  assert.equal(dateAt(fragments, 10.25), 1000_250);
  assert.equal(dateAt(fragments, 12.5), 1002_500); // in a part of the open segment
  assert.ok(Number.isNaN(dateAt([], 1)));
  assert.ok(Number.isNaN(dateAt(undefined, 1)));
  assert.ok(Number.isNaN(dateAt([{ start: 0, programDateTime: null }], 1)));
});

test('figures read well', () => {
  assert.equal(words.bitrate(2_345_678), '2.3 Mb/s');
  assert.equal(words.bitrate(999_900), '1.0 Mb/s');
  assert.equal(words.bitrate(640_000), '640 kb/s');
  assert.equal(words.bitrate(NaN), '–');
  assert.equal(words.span(7), '0:07');
  assert.equal(words.span(754), '12:34');
  assert.equal(words.span(3723), '1:02:03');
  assert.equal(words.span(-3), '0:00');
  assert.equal(words.behind(0.84), '0.8 s');
  assert.equal(words.behind(-0.2), '0.0 s');
  assert.equal(words.behind(75), '1:15');
  assert.equal(words.behind(NaN), '');
  assert.equal(words.initials('Ada Lovelace'), 'AL');
  assert.equal(words.initials('  grace brewster hopper '), 'GH');
  assert.equal(words.initials('émile'), 'É');
  assert.equal(words.initials('😀 x'), '😀X');
  assert.equal(words.initials(' '), '?');
  assert.equal(words.people(1), '1 on stage');
});

test('every trouble has a title and says what to do', () => {
  const troubles = [
    ...['NotAllowedError', 'NotFoundError', 'NotReadableError', 'OverconstrainedError', 'TypeError'].map(name => words.deviceTrouble({ name })),
    words.deviceTrouble(undefined),
    words.insecure({ host: '10.0.0.2:8080', pathname: '/stage/demo', port: '8080' }),
    ...[400, 401, 403, 404, 409, 415, 422, 429, 500, 502, 503].map(s => words.serverTrouble(s)),
    ...Object.values(words.network),
  ];
  for (const t of troubles) {
    assert.match(t.title, /^[A-Z].*\.$/);
    assert.match(t.hint, /\.$/);
  }
});

test('only what mends itself is tried again', () => {
  for (const s of [429, 500, 502, 503]) assert.ok(words.serverTrouble(s).retry, `${s}`);
  for (const s of [400, 401, 403, 404, 409, 415, 422]) assert.ok(!words.serverTrouble(s).retry, `${s}`);
  assert.match(words.serverTrouble(503, 'all 9 places are taken\n', 5).hint, /in 5 s.*all 9 places are taken$/);
  assert.match(words.insecure({ host: 'h:8080', pathname: '/stage/demo', port: '8080' }).hint, /http:\/\/localhost:8080\/stage\/demo/);
});

test('a chosen codec is offered alone, with what repairs it', () => {
  const codecs = ['video/VP8', 'video/rtx', 'video/H264', 'video/H264', 'video/ulpfec'].map(mimeType => ({ mimeType }));
  assert.deepEqual(prefer(codecs, 'H264').map(c => c.mimeType), ['video/H264', 'video/H264', 'video/rtx', 'video/ulpfec']);
  assert.deepEqual(prefer(codecs, 'AV1'), codecs);
});

test('reports become figures', () => {
  const report = (bytes, timestamp) => new Map([
    ['v', { type: 'outbound-rtp', kind: 'video', bytesSent: bytes, timestamp, frameWidth: 1280, frameHeight: 720, framesPerSecond: 29.9 }],
    ['a', { type: 'outbound-rtp', kind: 'audio', bytesSent: 1000, timestamp }],
    ['p', { type: 'candidate-pair', nominated: true, currentRoundTripTime: 0.02 }],
  ]);
  const sent = new Sent();
  assert.ok(Number.isNaN(sent.read(report(0, 1000)).bitrate));
  const now = sent.read(report(250_000, 2000));
  assert.equal(now.bitrate, 2_000_000);
  assert.deepEqual([now.width, now.height, now.fps, now.rtt, now.limit], [1280, 720, 30, 0.02, 'none']);
});

test('the meter is at rest in silence and full at full scale', () => {
  assert.equal(loudness(new Float32Array(100)), 0);
  assert.ok(loudness(Float32Array.from({ length: 960 }, (_, i) => Math.sin(i / 5))) > 0.99);
  assert.ok(Math.abs(loudness(new Float32Array(100).fill(0.00707)) - 1 / 3) < 0.05);
});

const offer = 'v=0\r\na=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:AAAA\r\na=ice-pwd:aaaa\r\na=mid:0\r\n' +
  'a=candidate:1 1 udp 1 10.0.0.1 1 typ host\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=ice-ufrag:AAAA\r\na=ice-pwd:aaaa\r\na=mid:1\r\n';

test('a restart says credentials and candidates, and nothing of media', () => {
  assert.equal(fragment(offer), 'a=group:BUNDLE 0 1\r\na=ice-ufrag:AAAA\r\na=ice-pwd:aaaa\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n' +
    'a=candidate:1 1 udp 1 10.0.0.1 1 typ host\r\na=end-of-candidates\r\n');
});

test('a restarted description has the new credentials in each section, and only the new candidates', () => {
  const now = restarted(offer, 'a=ice-ufrag:BBBB\na=ice-pwd:bbbb\na=candidate:2 1 udp 1 10.0.0.2 2 typ host\na=end-of-candidates\n');
  assert.equal(now.match(/a=ice-ufrag:BBBB\r\na=ice-pwd:bbbb\r\n/g).length, 2);
  assert.ok(!now.includes('AAAA') && !now.includes('10.0.0.1'));
  assert.ok(now.indexOf('10.0.0.2') < now.indexOf('m=video') && now.indexOf('10.0.0.2') > now.indexOf('c=IN'));
  assert.equal(restarted(offer, 'a=candidate:2 1 udp 1 10.0.0.2 2 typ host\n'), '');
});

const report = (bytesSent, bytesReceived) => new Map([['T', { type: 'transport', bytesSent, bytesReceived }]]);

test('a connection is doubted when it sends and hears nothing, and when the device slept', () => {
  const pulse = new Pulse(0);
  let now = 0, sent = 0, heard = 0;
  const look = (ms, more, answer) => pulse.look(now += ms, report(sent += more, heard += answer));
  for (let i = 0; i < 5; i++) assert.equal(look(1000, 100, 10), '');
  assert.deepEqual([look(1000, 100, 0), look(1000, 100, 0), look(1000, 100, 0)], ['', '', 'silent']);
  assert.equal(look(1000, 100, 10), '');
  for (let i = 0; i < 9; i++) assert.equal(look(1000, 0, 0), ''); // nothing to send, nothing to hear
  assert.equal(look(60_000, 100, 0), 'slept');
  assert.equal(look(1000, 100, 0), '');
  assert.equal(new Pulse(0).look(60_000, report(1, 1)), 'slept'); // before the first look
});

test('layers are encoded when they are wanted, and all are when nobody says', () => {
  const all = encodings('video', '', 2_500_000).map(e => ({ ...e, active: true }));
  assert.deepEqual(all.map(e => e.rid), ['l', 'm', 'h']);
  assert.equal(all.at(-1).maxBitrate, 2_500_000);
  const on = wanted => active(all, wanted)?.map(e => e.active) ?? null;
  assert.deepEqual(on({ w: 640, h: 360, rids: ['m'] }), [false, true, false]);
  assert.deepEqual(on({ w: 0, h: 0, rids: [] }), [false, false, false]);
  assert.deepEqual(on({ w: 0, h: 0, rids: ['l'] }), [true, false, false]);
  assert.equal(on({ w: 640, h: 360 }), null);
  assert.equal(on({ w: 640, h: 360, rids: ['q'] }), null);
  assert.equal(on(undefined), null);
  assert.equal(encodings('video', 'H264', 9).length, 1);
  assert.equal(encodings('audio', '', 0), undefined);
});

test('a layer that is wanted and does not begin gets the room of those below it, once they have all they may', () => {
  const all = (...on) => encodings('video', '', 900_000).map(e => ({ ...e, active: on.includes(e.rid) }));
  const report = (...rids) => new Map(rids.map(rid => [rid, { type: 'outbound-rtp', rid, framesPerSecond: 30, targetBitrate: 270_000 }]));
  const on = next => next?.filter(e => e.active).map(e => e.rid) ?? null;
  const rise = new Rise();
  assert.equal(rise.look(0, report('m'), all('m', 'h')), null);
  assert.equal(rise.look(2000, new Map([['m', { type: 'outbound-rtp', rid: 'm', framesPerSecond: 30, targetBitrate: 200_000 }]]), all('m', 'h')), null);
  assert.equal(rise.look(3000, report('m'), all('m', 'h')), null);
  assert.deepEqual(on(rise.look(6000, report('m'), all('m', 'h'))), ['h']);
  assert.equal(rise.look(7000, report(), all('h')), null);
  assert.deepEqual(on(rise.look(8000, report(), all('h'))), ['m', 'h']); // it did not begin
  assert.equal(rise.look(9000, report('m'), all('m', 'h')), null);
  assert.equal(rise.look(13_000, report('m'), all('m', 'h')), null);
  assert.deepEqual(on(rise.look(15_000, report('m'), all('m', 'h'))), ['h']);
  assert.equal(rise.look(16_000, report('h'), all('h')), null);
  assert.equal(rise.look(30_000, report('h'), all('h')), null); // it did
  assert.equal(rise.look(40_000, report('l', 'm', 'h'), all('l', 'm', 'h')), null);
});

test('a link is found by its relation', () => {
  const header = '<stun:a.example>; rel="ice-server", </whip/demo/1/wanted>; rel="tilecast-wanted"';
  assert.equal(link(header, 'tilecast-wanted', 'http://h/whip/demo'), 'http://h/whip/demo/1/wanted');
  assert.equal(link(header, 'nothing', 'http://h/'), '');
  assert.equal(link(null, 'nothing', 'http://h/'), '');
  assert.deepEqual(links('nonsense, ;;; <'), []);
});

test('ICE servers come with what they need', () => {
  const header = '<stun:a.example>; rel="ice-server", <turn:b.example?transport=udp>; rel="ice-server"; username="ada"; credential="pa\\"ss,<w\\\\ord"; credential-type="password", </x>; rel="other"';
  assert.deepEqual(iceServers(header), [{ urls: 'stun:a.example' }, { urls: 'turn:b.example?transport=udp', username: 'ada', credential: 'pa"ss,<w\\ord' }]);
});

test('an offer says that lost sound may be asked for again', () => {
  const sdp = 'a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10\r\na=rtpmap:63 red/48000/2\r\n';
  assert.equal(resending(sdp), 'a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 nack\r\na=fmtp:111 minptime=10\r\na=rtpmap:63 red/48000/2\r\n');
  assert.equal(resending('v=0\r\n'), 'v=0\r\n');
});

const rates = [900_000, 2_600_000], part = { duration: 1 / 3, rates, level: 1 };
const seen = (line, time, into) => judge({ ...part, bytes: line * time / 8, total: 2_600_000 / 3 / 8, time, into, left: 5 / 3 - into });

test('a rung is left when a part takes longer than it plays, at once or with the next segment', () => {
  assert.equal(seen(10e6, 0.08, 0), null);
  assert.equal(seen(3e6, 0.2, 0), null);
  assert.deepEqual(seen(1.3e6, 0.1, 0), { level: 0, now: true });      // early in a segment
  assert.deepEqual(seen(1.3e6, 0.1, 5 / 3), { level: 0, now: false }); // its last part
  assert.equal(seen(1.3e6, 0.02, 0), null);                            // too early to tell
  assert.equal(judge({ ...part, level: 0, bytes: 9000, total: 1e6, time: 1, into: 0, left: 1 }), null);
});

test('the rung that is taken fits the line, or is the least', () => {
  const many = { ...part, rates: [4e5, 9e5, 1.5e6, 2.6e6], level: 3, total: 108_000, time: 0.1, into: 0, left: 5 / 3 };
  assert.equal(judge({ ...many, bytes: 1.3e6 * 0.1 / 8 }).level, 1);
  assert.equal(judge({ ...many, bytes: 5e5 * 0.1 / 8 }).level, 0);
});

test('what another rung replaces is forgotten, though the init segment of that one comes first', () => {
  const heard = {}, gone = [];
  const part = (sn, index) => ({ fragment: { sn }, clearElementaryStreamInfo: () => gone.push(`${sn}.${index}`) });
  const levels = [{ details: { partList: [part(7, 5), part(8, 0), part(8, 1)] } }, { details: { partList: [] } }];
  const retreat = new Retreat({ levels, on: (event, handler) => { heard[event] = handler; } });
  for (const [level, sn] of [[0, 7], [0, 8], [1, 'initSegment'], [1, 8]]) heard.hlsFragLoading('', { frag: { type: 'main', level, sn } });
  retreat.close();
  assert.deepEqual(gone, ['8.0', '8.1']);
});

test('a part tells of the line where it is large, and took a while or came sooner than was believed', () => {
  assert.equal(reading({ bytes: 50_000, time: 0.2 }, 9e6), 2e6);
  assert.equal(reading({ bytes: 90_000, time: 0.01 }, 9e6), 12e6);
  assert.ok(Number.isNaN(reading({ bytes: 50_000, time: 0.01 }, 9e6)));
  assert.ok(Number.isNaN(reading({ bytes: 3000, time: 0.3 }, 9e6)));
});

// Estimator averages as that of hls.js does: by weights that are its first argument.
class Estimator {
  constructor(start) { Object.assign(this, { start, fast: { of: 3, value: 0, weight: 0 }, slow: { of: 9, value: 0, weight: 0 } }); }

  sample(ms, bytes) {
    for (const e of [this.fast, this.slow]) {
      const keep = 0.5 ** (ms / 1000 / e.of);
      e.value = (1 - keep) * bytes * 8000 / ms + keep * e.value;
      e.weight = 1 - keep * (1 - e.weight);
    }
  }

  getEstimate() { return this.fast.weight ? Math.min(...[this.fast, this.slow].map(e => e.value / e.weight)) : this.start; }
}

test('on a good line viewers of a calm program come to the larger rung, also on a machine with slow moments', t => {
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const abr = new (metered(class {
    hls = { levels: [{ maxBitrate: 601_000 }, { maxBitrate: 1_501_000 }] };
    bwEstimator = new Estimator(900_000);
    resetEstimator(rate) { this.bwEstimator = new Estimator(rate); }
  }))();
  const part = (loaded, ms) => {
    now += 341;
    abr.onFragBuffered('', { frag: { type: 'main', sn: 7 }, part: { duration: 0.341, stats: { loaded, loading: { first: now, end: now + ms } } } });
    return abr.bwEstimator.getEstimate();
  };
  for (let i = 0; i < 90; i++) part(2500, i % 20 ? 4 : 90);
  assert.ok(part(2500, 4) > 1_501_000 / 0.7, `${part(2500, 4)}`);
  for (let i = 0; i < 900; i++) part(2500, 4);
  assert.ok(part(2500, 4) <= 3_002_000.5, 'trust is bounded');
  abr.resetEstimator(700_000);
  for (let i = 0; i < 80; i++) part(2500, 4);
  assert.ok(Math.abs(part(2500, 4) - 700_000) < 1, 'a line that was too slow is not trusted again at once');
  for (let i = 0; i < 150; i++) part(40_000, 400);
  assert.ok(Math.abs(part(40_000, 400) - 800_000) < 10_000, 'parts that tell are believed');
});

// A WHIP client (RFC 9725): one POST, one peer connection, restarts of ICE, one DELETE. When to do which is place.js's.
import { fragment, restarted } from './fragment.js';
import { encodings, follow } from './layers.js';
import { iceServers, link } from './links.js';
import { within } from './dom.js';
import { network, serverTrouble } from './words.js';

const gatherFor = 1500;      // ms: host candidates come at once, and a server sees the others itself
const connectWithin = 12_000;
const restartWithin = 4000;  // ms for its answer
const captureTime = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time';

// Trouble is an error in words: {title, hint, retry}, and after how many ms to try again.
export class Trouble extends Error {
  constructor(words, after = 1000) {
    super(words.title);
    this.words = words;
    this.after = after;
  }
}

// prefer puts one codec first and drops the others; an unknown name changes nothing.
export function prefer(codecs, name) {
  const is = (c, n) => c.mimeType.toLowerCase() === `video/${n.toLowerCase()}`;
  const chosen = codecs.filter(c => is(c, name));
  return chosen.length ? [...chosen, ...codecs.filter(c => ['rtx', 'red', 'ulpfec'].some(n => is(c, n)))] : codecs;
}

// resending is an offer that lets lost sound be asked for again, which browsers do though they do not say so.
export function resending(sdp) {
  return sdp.replace(/^a=rtpmap:(\d+) opus\/48000\/2\r?\n/gim, (line, type) => `${line}a=rtcp-fb:${type} nack\r\n`);
}

// offer sets a local offer: resending where the browser takes it.
async function offer(pc, options) {
  const { type, sdp } = await pc.createOffer(options);
  await pc.setLocalDescription({ type, sdp: resending(sdp) }).catch(() => pc.setLocalDescription({ type, sdp }));
}

function once(target, event, when, signal) {
  return new Promise(resolve => {
    const check = () => { if (when() || signal.aborted) { target.removeEventListener(event, check); resolve(); } };
    target.addEventListener(event, check);
    signal.addEventListener('abort', check);
    check();
  });
}

function retryAfter(answer) {
  const seconds = Number(answer.headers.get('Retry-After'));
  return Number.isFinite(seconds) ? Math.min(30, Math.max(0, seconds)) : 0;
}

async function refusal(answer) {
  const json = answer.headers.get('Content-Type')?.includes('json');
  const text = await answer.text().catch(() => '');
  let said = text;
  if (json) try { const p = JSON.parse(text); said = p.detail ?? p.error ?? p.title ?? ''; } catch { said = ''; }
  if (/^\s*</.test(said)) said = ''; // a page of some proxy
  const after = retryAfter(answer);
  return new Trouble(serverTrouble(answer.status, String(said), after), Math.max(1000, after * 1000));
}

export class Publisher {
  // tracks is {audio, video}, either may be null: what is missing now may come later by replace(). A token is sent with
  // every request.
  constructor(url, tracks, { codec = '', maxBitrate = 0, token = '' } = {}) {
    Object.assign(this, { url, tracks, codec, maxBitrate, location: null, refused: '', stopping: new AbortController(), pc: null });
    this.headers = token ? { Authorization: `Bearer ${token}` } : {};
  }

  // open makes the connection, by way of the servers that the endpoint names.
  async open(patience) {
    const known = await this.ask(this.url, { method: 'OPTIONS' }, patience);
    this.pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle', iceServers: iceServers(known.headers.get('Link')) });
    if (this.stopping.signal.aborted) this.pc.close();
    const { tracks, codec } = this, stream = new MediaStream([tracks.audio, tracks.video].filter(Boolean));
    this.audio = this.add('audio', tracks.audio, stream);
    this.video = this.add('video', tracks.video, stream, encodings('video', codec, this.maxBitrate));
    if (codec) this.video.setCodecPreferences?.(prefer(RTCRtpSender.getCapabilities('video').codecs, codec));
  }

  add(kind, track, stream, sendEncodings) {
    const t = this.pc.addTransceiver(track ?? kind, { direction: 'sendonly', streams: [stream], sendEncodings });
    const wanted = t.getHeaderExtensionsToNegotiate?.();
    if (wanted) {
      for (const e of wanted) if (e.uri === captureTime) e.direction = 'sendrecv';
      try { t.setHeaderExtensionsToNegotiate(wanted); } catch { /* exact capture times are a bonus */ }
    }
    return t;
  }

  async replace(kind, track) { await this[kind]?.sender.replaceTrack(track); }

  // start resolves once media may flow, and rejects with a Trouble; the server gets so many ms to answer.
  async start(patience) {
    await this.open(patience);
    const { pc, stopping: { signal } } = this;
    await offer(pc);
    await this.gathered();
    this.answer = await this.post(pc.localDescription.sdp, patience);
    await pc.setRemoteDescription({ type: 'answer', sdp: this.answer }).catch(error => {
      console.warn('tilecast: answer refused:', error);
      throw new Trouble(network.noAnswer);
    });
    await this.connected(within(connectWithin, signal));
    if (!this.up) throw new Trouble(network.noRoute);
    if (this.wanted) follow(this.wanted, this.video.sender, signal, why => { this.refused = why; });
  }

  get up() { return this.pc?.connectionState === 'connected'; }

  // connected resolves when the connection is up, has failed for good, or signal aborts.
  connected(signal) {
    return once(this.pc, 'connectionstatechange', () => ['connected', 'failed', 'closed'].includes(this.pc.connectionState), signal);
  }

  gathered() {
    return once(this.pc, 'icegatheringstatechange', () => this.pc.iceGatheringState === 'complete', within(gatherFor, this.stopping.signal));
  }

  async post(sdp, patience) {
    const answer = await this.ask(this.url, { method: 'POST', body: sdp, headers: { 'Content-Type': 'application/sdp' } }, patience);
    if (answer.status !== 201) throw await refusal(answer);
    const location = answer.headers.get('Location');
    if (location) this.location = new URL(location, answer.url).href;
    const links = answer.headers.get('Link');
    this.wanted = link(links, 'tilecast-wanted', answer.url);
    this.devices = link(links, 'tilecast-devices', answer.url);
    this.said = '';
    if (this.stopping.signal.aborted) this.goodbye();
    return answer.text();
  }

  // ask fetches, or rejects with a Trouble of the network that trying again may mend.
  async ask(url, request, patience) {
    try {
      return await fetch(url, { ...request, headers: { ...this.headers, ...request.headers }, cache: 'no-store', signal: within(patience, this.stopping.signal) });
    } catch {
      throw new Trouble(navigator.onLine ? network.unreachable : network.offline);
    }
  }

  // restart gives the session new ICE credentials (RFC 9725 section 4.3.3), so that it goes on from wherever this
  // device is now. It resolves with false where the server does not take it, and rejects with a Trouble where
  // nobody answers; in both cases the session is as it was.
  async restart() {
    const { pc } = this;
    if (!this.location || pc.signalingState !== 'stable') return false;
    await offer(pc, { iceRestart: true });
    let sdp = '';
    try {
      await this.gathered();
      const answer = await this.ask(this.location, {
        method: 'PATCH', body: fragment(pc.localDescription.sdp), headers: { 'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': '*' },
      }, restartWithin);
      if (answer.status === 200) sdp = restarted(this.answer, await answer.text());
    } finally {
      if (!sdp && pc.signalingState === 'have-local-offer') await pc.setLocalDescription({ type: 'rollback' });
    }
    if (!sdp) return false;
    await pc.setRemoteDescription({ type: 'answer', sdp });
    this.answer = sdp;
    return true;
  }

  // tell says which devices are on, where the server wants to know: {camera, microphone}.
  tell(on) {
    const body = JSON.stringify(on);
    if (!this.devices || body === this.said) return;
    this.said = body;
    this.ask(this.devices, { method: 'PUT', body, headers: { 'Content-Type': 'application/json' } }, restartWithin).catch(() => { this.said = ''; });
  }

  // goodbye ends the session at the server; it may be called while the page is being closed.
  goodbye() {
    if (!this.location) return;
    fetch(this.location, { method: 'DELETE', headers: this.headers, keepalive: true }).catch(() => {}); // consent expiry does it too
    this.location = null;
  }

  close() {
    this.stopping.abort();
    this.goodbye();
    this.pc?.close();
  }
}

// Sent turns successive getStats() reports into figures.
export class Sent {
  read(report) {
    let bytes = 0, at = 0;
    const now = { width: 0, height: 0, fps: 0, rtt: NaN, bitrate: NaN, limit: 'none' };
    for (const s of report.values()) {
      if (s.type === 'outbound-rtp') {
        bytes += s.bytesSent ?? 0;
        at = s.timestamp;
        if (s.kind === 'video' && s.active !== false && (s.frameWidth ?? 0) >= now.width) Object.assign(now, { width: s.frameWidth ?? 0, height: s.frameHeight ?? 0, fps: Math.round(s.framesPerSecond ?? 0), limit: s.qualityLimitationReason ?? 'none' });
      }
      if (s.type === 'candidate-pair' && s.nominated && Number.isFinite(s.currentRoundTripTime)) now.rtt = s.currentRoundTripTime;
    }
    if (this.at && at > this.at) now.bitrate = Math.max(0, (bytes - this.bytes) * 8000 / (at - this.at));
    this.bytes = bytes;
    this.at = at;
    return now;
  }
}

// Simulcast: the camera in three sizes, of which only those are encoded that the server wants.

const share = { h: 1, m: 0.3, l: 0.1 }; // of the highest bitrate, roughly what each size needs
const scale = { h: 1, m: 2, l: 4 };
const least = 100_000; // bit/s

// encodings are for addTransceiver: one, or three where the codec may be VP8, which every browser that can
// send simulcast can send so.
export function encodings(kind, codec, maxBitrate) {
  if (kind !== 'video' || !maxBitrate) return undefined;
  if (!['', 'VP8'].includes(codec)) return [{ maxBitrate }];
  return ['l', 'm', 'h'].map(rid => ({
    rid, scaleResolutionDownBy: scale[rid], maxBitrate: Math.max(least, Math.round(maxBitrate * share[rid])),
  }));
}

// active marks the encodings that are wanted; null where nothing changes. Without a list of layers that are known,
// all are, unless nothing is shown.
export function active(all, wanted) {
  const { w, h, rids } = wanted ?? {};
  const known = Array.isArray(rids) && rids.some(rid => all.some(e => e.rid === rid));
  const on = e => known ? rids.includes(e.rid) : !(w === 0 && h === 0);
  return all.every(e => e.active === on(e)) ? null : all.map(e => ({ ...e, active: on(e) }));
}

// Rise helps a layer up that is to be encoded and is not, because the browser sees no room for it though the layers below it
// get all they may have: as long as no more is sent, it will see none. So these are left out for once, and come back
// where the larger one does not begin. No DOM here.
const patience = 3000; // ms that the layers below have been at their highest, at first
const trial = 1500;    // ms that the larger one may take

export class Rise {
  patience = patience;

  // look is asked about once a second what getStats() of the sender said, and answers with encodings to be set, or null.
  look(now, report, all) {
    const sent = new Map([...report.values()].filter(s => s.type === 'outbound-rtp').map(s => [s.rid, s]));
    const runs = e => (sent.get(e.rid)?.framesPerSecond ?? 0) > 0;
    const on = all.filter(e => e.active), next = on.at(-1), below = on.filter(runs).at(-1);
    if (this.began !== undefined) return this.judge(now, all, next && runs(next));
    const full = below && next !== below && sent.get(below.rid).targetBitrate >= 0.9 * below.maxBitrate;
    this.since = full ? this.since ?? now : undefined;
    if (!full || now - this.since < this.patience) return null;
    Object.assign(this, { began: now, since: undefined, off: on.slice(0, -1).map(e => e.rid) });
    return all.map(e => ({ ...e, active: e === next }));
  }

  judge(now, all, runs) {
    if (!runs && now - this.began < trial) return null;
    this.began = undefined;
    if (runs) return null; // and the server will say that the others are not needed
    this.patience = Math.min(2 * this.patience, 60_000);
    return all.map(e => ({ ...e, active: e.active || this.off.includes(e.rid) }));
  }
}

// follow encodes what the server says it wants, at address, until signal aborts. refused hears why the picture is not
// taken, '' when it is.
export function follow(address, sender, signal, refused) {
  const source = new EventSource(address), rise = new Rise();
  const failed = error => console.warn('tilecast: layers:', error);
  const set = change => {
    const parameters = sender.getParameters(), next = change(parameters.encodings);
    if (next) return sender.setParameters({ ...parameters, encodings: next });
  };
  const timer = setInterval(async () => {
    try {
      const report = await sender.getStats();
      await set(all => rise.look(performance.now(), report, all));
    } catch (error) {
      failed(error);
    }
  }, 1000);
  signal.addEventListener('abort', () => { source.close(); clearInterval(timer); });
  source.onmessage = async event => {
    try {
      const { video } = JSON.parse(event.data);
      refused(video?.refused ?? '');
      await set(all => active(all, video));
    } catch (error) {
      failed(error);
    }
  };
}

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

// follow encodes what the server says it wants, at address, until signal aborts.
export function follow(address, sender, signal) {
  const source = new EventSource(address);
  signal.addEventListener('abort', () => source.close());
  source.onmessage = event => {
    try {
      const parameters = sender.getParameters(), next = active(parameters.encodings, JSON.parse(event.data).video);
      if (next) sender.setParameters({ ...parameters, encodings: next }).catch(error => console.warn('tilecast: layers:', error));
    } catch (error) {
      console.warn('tilecast: layers:', error);
    }
  };
}

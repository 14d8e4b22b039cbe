// Cameras and microphones: opening, listing, replacing, and how loud it is.

export const sizes = {
  360: { width: 640, height: 360, bitrate: 900_000 },
  720: { width: 1280, height: 720, bitrate: 2_500_000 },
  1080: { width: 1920, height: 1080, bitrate: 4_500_000 },
};

const none = 'none';

// wanted is {camera, microphone: device id, '' for the default, 'none'; size: key of sizes; process: boolean}.
function constraints(kind, wanted) {
  const id = kind === 'video' ? wanted.camera : wanted.microphone;
  if (id === none) return false;
  const device = id ? { deviceId: { exact: id } } : {};
  if (kind === 'audio') {
    return { ...device, channelCount: { ideal: wanted.process ? 1 : 2 }, echoCancellation: wanted.process, noiseSuppression: wanted.process, autoGainControl: wanted.process };
  }
  const { width, height } = sizes[wanted.size];
  return { ...device, width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: 30, max: 30 } };
}

// open resolves with {audio, video}. Where both were wanted and one kind does not exist, the other will do.
export async function open(wanted, kinds = ['audio', 'video']) {
  const ask = { audio: kinds.includes('audio') && constraints('audio', wanted), video: kinds.includes('video') && constraints('video', wanted) };
  const take = async c => {
    const stream = await navigator.mediaDevices.getUserMedia(c);
    return { audio: stream.getAudioTracks()[0] ?? null, video: stream.getVideoTracks()[0] ?? null };
  };
  if (!ask.audio && !ask.video) return { audio: null, video: null };
  try {
    return await take(ask);
  } catch (error) {
    if (error.name === 'OverconstrainedError' && (wanted.camera || wanted.microphone)) {
      return open({ ...wanted, camera: wanted.camera === none ? none : '', microphone: wanted.microphone === none ? none : '' }, kinds);
    }
    if (error.name !== 'NotFoundError' || !ask.audio || !ask.video) throw error;
    return take({ audio: ask.audio }).catch(() => take({ video: ask.video }));
  }
}

// list resolves with {camera, microphone}: [{id, label}]. Labels are empty before permission was given.
export async function list() {
  const all = await navigator.mediaDevices.enumerateDevices();
  const of = (kind, word) => all.filter(d => d.kind === kind && d.deviceId)
    .map((d, i) => ({ id: d.deviceId, label: d.label || `${word} ${i + 1}` }));
  return { camera: of('videoinput', 'Camera'), microphone: of('audioinput', 'Microphone') };
}

// granted says whether asking would show no question.
export async function granted() {
  try {
    const states = await Promise.all(['camera', 'microphone'].map(name => navigator.permissions.query({ name })));
    return states.every(s => s.state === 'granted');
  } catch {
    return false;
  }
}

// Level tells how loud a track is: 0 at -60 dB and below, 1 at full scale.
export class Level {
  listen(track) {
    this.source?.disconnect();
    this.source = null;
    if (!track) return;
    this.context ??= new AudioContext();
    this.context.resume().catch(() => {}); // not before a gesture
    this.analyser ??= new AnalyserNode(this.context, { fftSize: 1024, smoothingTimeConstant: 0 });
    this.samples ??= new Float32Array(this.analyser.fftSize);
    this.source = new MediaStreamAudioSourceNode(this.context, { mediaStream: new MediaStream([track]) });
    this.source.connect(this.analyser);
  }

  read() {
    if (!this.source || this.context.state !== 'running') return 0;
    this.analyser.getFloatTimeDomainData(this.samples);
    return loudness(this.samples);
  }

  wake() { this.context?.resume().catch(() => {}); }
}

export function loudness(samples) {
  let sum = 0;
  for (const s of samples) sum += s * s;
  const db = 10 * Math.log10(sum / samples.length + 1e-12) + 3; // a full sine reads 0 dB
  return Math.min(1, Math.max(0, 1 + db / 60));
}

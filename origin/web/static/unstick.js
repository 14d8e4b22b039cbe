// Lets hls.js go on after a gap. Where a part turns out to be one, it gives the fragment up; but if what it has had of that is
// parsed only then, as on a busy machine, it waits for the rest for ever (hls.js 1.7.4).

const every = 100;  // ms between looks
const long = 3000;  // ms after the gap; what was loaded has been parsed by then

export class Unstick {
  // close() ends it.
  constructor(hls) {
    Object.assign(this, { hls, frag: null, until: 0, timer: setInterval(() => this.look(), every) });
    hls.on('hlsError', (_, { details, frag }) => {
      if (details === 'fragGap' && frag?.type === 'main') Object.assign(this, { frag, until: performance.now() + long });
    });
  }

  close() { clearInterval(this.timer); }

  look() {
    const stream = this.hls.streamController;
    if (!stream || performance.now() > this.until) return;
    if (stream.fragCurrent === this.frag && stream.state === 'PARSING') stream.state = 'IDLE';
  }
}

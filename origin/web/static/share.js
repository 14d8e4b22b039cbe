// Sharing the screen: a second source of the same participant, with a WHIP session of its own.
import { put } from './dom.js';

const bitrate = 2_500_000;

const denied = {
  NotAllowedError: null, // the person closed the question, and knows
  NotFoundError: { title: 'There is no screen to share.', hint: 'This device offers none to its browser.' },
  NotReadableError: { title: 'The screen could not be shared.', hint: 'Allow screen recording for this browser in the settings of your system, then try again.' },
};

// Share drives one button. connect(tracks, options, say) makes a Place; notice shows {title, hint}.
export class Share {
  constructor(button, connect, notice) {
    Object.assign(this, { button, connect, notice, place: null, tracks: null });
    button.hidden = !navigator.mediaDevices?.getDisplayMedia;
    button.onclick = () => this.place ? this.stop() : this.start();
    this.offer(false);
  }

  // offer lets the button be pressed: there is a place on air to share from.
  offer(live) { this.button.disabled = !live && !this.place; }

  async start() {
    let stream;
    try {
      stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { ideal: 15, max: 30 } }, audio: true });
    } catch (error) {
      this.notice(error.name in denied ? denied[error.name] : { title: 'The screen could not be shared.', hint: error.message });
      return;
    }
    const tracks = this.tracks = { video: stream.getVideoTracks()[0] ?? null, audio: stream.getAudioTracks()[0] ?? null };
    tracks.video.contentHint = 'detail';
    tracks.video.onended = () => this.stop(); // by the browser's own button
    const place = this.place = this.connect(tracks, { maxBitrate: bitrate }, (state, words) => {
      if (this.place !== place) return;
      if (words) this.notice(words);
      if (state === 'error') this.stop();
      this.show(state);
    });
    this.show('connecting');
    await place.hold();
  }

  stop() {
    this.place?.stop();
    for (const track of Object.values(this.tracks ?? {})) track?.stop();
    this.place = this.tracks = null;
    this.show('idle');
  }

  show(state) {
    const on = Boolean(this.place);
    this.button.dataset.state = state;
    this.button.setAttribute('aria-pressed', on);
    put(this.button.querySelector('span'), !on ? 'Share screen' : state === 'live' ? 'Sharing' : 'Connecting…');
  }
}

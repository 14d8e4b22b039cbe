// A place on air: connected, mended, and connected again, for as long as it is wanted.
import { network } from './words.js';
import { Publisher, Trouble } from './whip.js';
import { Pulse, traffic } from './pulse.js';
import { sleep, within } from './dom.js';

const doubtAfter = 800;   // ms of "disconnected" that may be a hiccup
const mendWithin = 4000;  // ms that a restarted session gets to be connected
const every = 1000;       // ms between attempts
const patient = 10_000;   // ms for the first answer of a server that may have a program to start
const soon = 5000;        // ms for later ones: where packets vanish, a new request gets through sooner than an old one

// Place holds one WHIP session after the other. say(state, words) hears of each change: 'connecting', 'live',
// 'reconnecting' or 'error', with {title, hint} where there is something to explain.
export class Place {
  constructor(url, tracks, options, say) {
    Object.assign(this, { url, tracks, options, say, publisher: null, restarts: 0 });
    this.leaving = new AbortController();
  }

  // stop gives the place up.
  stop() {
    this.leaving.abort();
    this.publisher?.close();
  }

  get over() { return this.leaving.signal.aborted; }

  // doubt makes sure now that the connection is alive; pages call it when something happened to the network.
  doubt() { this.doubted?.(); }

  // hold is on air until stop() or an error that trying again does not mend.
  async hold() {
    this.say('connecting');
    let lost = null; // a session that is no more, which keeps our place until the next one takes it over
    while (!this.over) {
      try {
        await this.connect();
        lost?.close();
        lost = null;
        await this.stay();
        lost = this.publisher;
      } catch (error) {
        if (this.over) break;
        const trouble = error instanceof Trouble ? error : new Trouble({ title: 'This browser could not connect.', hint: error.message, retry: false });
        const { words } = trouble, p = this.publisher;
        if (words.retry && !lost && p?.location) lost = p;
        else p?.close();
        if (!words.retry) return this.say('error', words);
        this.say('reconnecting', words);
        await sleep(trouble.after);
      }
    }
    lost?.close();
  }

  async connect() {
    const p = this.publisher = new Publisher(this.url(), this.tracks, this.options);
    if (this.over) p.close();
    await p.start(this.was ? soon : patient);
    this.was = true;
    if (!this.over) this.say('live');
  }

  // stay resolves when the session has to be replaced, or the place is given up.
  async stay() {
    const p = this.publisher, watched = new AbortController();
    p.stopping.signal.addEventListener('abort', () => watched.abort());
    while (!this.over) {
      const sure = await this.doubtful(p);
      if (this.over) break;
      if (sure) this.say('reconnecting', navigator.onLine ? network.lost : network.offline);
      if (!(await this.mend(p))) break;
      if (!this.over) this.say('live');
    }
    watched.abort();
  }

  // doubtful resolves when p may be lost: with true where it hears nothing, with false where it only may have moved.
  doubtful(p) {
    return new Promise(resolve => {
      const { pc, stopping } = p, pulse = new Pulse(performance.now());
      let hiccup = 0;
      const done = sure => {
        clearInterval(timer);
        clearTimeout(hiccup);
        pc.removeEventListener('connectionstatechange', changed);
        stopping.signal.removeEventListener('abort', stopped);
        this.doubted = null;
        resolve(sure);
      };
      const stopped = () => done(true);
      const changed = () => {
        clearTimeout(hiccup);
        if (['failed', 'closed'].includes(pc.connectionState)) done(true);
        else if (pc.connectionState === 'disconnected') hiccup = setTimeout(() => done(true), doubtAfter);
      };
      const timer = setInterval(async () => {
        const doubt = pulse.look(performance.now(), await pc.getStats());
        if (doubt) done(doubt === 'silent');
      }, every);
      this.doubted = () => done(false);
      pc.addEventListener('connectionstatechange', changed);
      stopping.signal.addEventListener('abort', stopped);
      changed();
    });
  }

  // mend restarts p until it is connected and heard; false: it needs to be replaced. While nobody answers at all
  // it tries again, because the session may well outlive the silence.
  async mend(p) {
    for (let tried = 0; !this.over; tried++) {
      const began = performance.now();
      try {
        if (!(await p.restart())) return this.alive(p);
        this.restarts++;
        await p.connected(within(mendWithin, this.leaving.signal));
        return this.alive(p);
      } catch (error) {
        if (!(error instanceof Trouble)) return false;
        if (this.over) return false;
        this.say('reconnecting', error.words);
      }
      if (await this.alive(p)) return true;
      await sleep(Math.max(0, every - (performance.now() - began)));
    }
    return false;
  }

  // alive reports whether p hears anything within two seconds.
  async alive(p) {
    const heard = async () => traffic(await p.pc.getStats()).received;
    const before = p.up ? await heard() : 0;
    for (let i = 0; i < 20 && p.up && !this.over; i++) {
      await sleep(100);
      if (await heard() > before) return true;
    }
    return false;
  }
}

// The server's clock, learnt from Date headers. No DOM here; all times in milliseconds.

// ServerClock narrows down server time minus local time. A Date header has whole seconds, so one answer between
// `sent` and `received` says only: date - received <= offset < date + 1000 - sent. Answers at different
// fractions of a second intersect to a narrow range.
export class ServerClock {
  constructor() { this.forget(); }

  forget() {
    this.least = -Infinity;
    this.most = Infinity;
    this.samples = 0;
  }

  saw(sent, received, date, age = 0) {
    if (!Number.isFinite(date) || received < sent) return;
    const slack = age > 0 ? 1000 : 0; // Age is cut to whole seconds too
    const least = date + age * 1000 - received, most = date + age * 1000 + 1000 + slack - sent;
    if (least > this.most || most < this.least) this.forget(); // somebody set a clock
    this.least = Math.max(this.least, least);
    this.most = Math.min(this.most, most);
    this.samples++;
  }

  // right says that the local clock may be exactly right: then it is the better of the two.
  get right() { return this.least <= 0 && this.most >= 0; }

  get offset() { return this.right ? 0 : (this.least + this.most) / 2; }

  now(local) { return local + this.offset; }
}

// Whether a connection is alive, by its own figures. No DOM here.

const silence = 2500; // ms of sending without hearing anything: feedback comes several times a second
const nap = 4000;     // ms between two looks, where one a second was asked for: the device slept

// Pulse is asked once a second what getStats() said, and answers with a doubt: '' (all is well), 'silent' (we
// send and nothing comes back) or 'slept' (the device was asleep, and whatever was known is old).
export class Pulse {
  constructor(began) { this.at = began; } // ms, on the clock that look() is told

  look(now, report) {
    const slept = this.at !== undefined && now - this.at > nap;
    const { sent, received } = traffic(report);
    const talks = sent > this.sent, hears = received > this.received;
    if (this.at === undefined || hears || !talks || slept) this.heard = now;
    Object.assign(this, { at: now, sent, received });
    if (slept) return 'slept';
    return now - this.heard > silence ? 'silent' : '';
  }
}

// traffic sums what went each way: bytes of all transports, and answers to checks of the path, which count as heard.
export function traffic(report) {
  let sent = 0, received = 0;
  for (const s of report.values()) {
    if (s.type === 'transport') {
      sent += s.bytesSent ?? 0;
      received += s.bytesReceived ?? 0;
    } else if (s.type === 'candidate-pair') {
      received += s.responsesReceived ?? 0;
    }
  }
  return { sent, received };
}

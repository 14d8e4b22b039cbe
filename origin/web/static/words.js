// What pages say: numbers, names and troubles in words. No DOM here.

export function bitrate(bitsPerSecond) {
  if (!Number.isFinite(bitsPerSecond) || bitsPerSecond < 0) return '–';
  if (bitsPerSecond < 999_500) return `${Math.round(bitsPerSecond / 1000)} kb/s`;
  return `${(bitsPerSecond / 1e6).toFixed(1)} Mb/s`;
}

// span is 0:07, 12:34 or 1:02:03.
export function span(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const two = n => String(n).padStart(2, '0');
  const h = Math.floor(s / 3600);
  return (h ? `${h}:${two(Math.floor(s / 60) % 60)}` : `${Math.floor(s / 60)}`) + `:${two(s % 60)}`;
}

// behind is how far from live a viewer is. Below a minute tenths matter; nobody sees the future.
export function behind(seconds) {
  if (!Number.isFinite(seconds)) return '';
  if (seconds < 60) return `${Math.max(0, seconds).toFixed(1)} s`;
  return span(seconds);
}

export function initials(name) {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words;
  return letters.map(w => [...w][0].toLocaleUpperCase()).join('') || '?';
}

export function people(n) {
  return n === 0 ? 'Nobody on stage' : `${n} on stage`;
}

// deviceTrouble explains what getUserMedia rejected with (Media Capture and Streams, section 9.2.6).
export function deviceTrouble(error) {
  switch (error?.name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return {
        title: 'Camera and microphone are blocked.',
        hint: 'Allow them for this site (the icon beside the address, or the settings of your system), then try again.',
      };
    case 'NotFoundError':
      return { title: 'No camera or microphone was found.', hint: 'Plug one in, or choose “None” for the one that you do not have.' };
    case 'NotReadableError':
    case 'AbortError':
      return { title: 'The camera or microphone did not start.', hint: 'Another program may be using it: close that program, then try again.' };
    case 'OverconstrainedError':
      return { title: 'That device is no longer there.', hint: 'Choose another one from the list.' };
    default:
      return { title: 'The camera or microphone did not start.', hint: error?.message || 'Choose another device, then try again.' };
  }
}

// insecure explains why a browser offers no camera at all.
export function insecure(location) {
  return {
    title: 'Browsers give out cameras only on secure pages.',
    hint: `Open https://${location.host}${location.pathname} (start tilecast with --tls-dev or a certificate), ` +
      `or http://localhost${location.port ? ':' + location.port : ''}${location.pathname} on the machine itself.`,
  };
}

// serverTrouble explains an answer to a WHIP POST (RFC 9725 section 4.2): status, the server's own
// words, and Retry-After in seconds. retry says whether trying again by itself makes sense.
export function serverTrouble(status, detail = '', retryAfter = 0) {
  const said = detail.trim() ? ` The server says: ${detail.trim().slice(0, 300)}` : '';
  switch (status) {
    case 401:
    case 403:
      return { title: 'You are not allowed to go live here.', hint: 'Ask whoever runs this room for a link.' + said, retry: false };
    case 404:
      return { title: 'There is no such room.', hint: 'Check the name in the address, or pick a room on the home page.', retry: false };
    case 409:
      return { title: 'Someone is live under this name already.', hint: 'Choose another name, or stop the other one first.' + said, retry: false };
    case 400:
    case 406:
    case 415:
    case 422:
      return { title: 'The server cannot take what this browser sends.', hint: 'Choose another codec under “Advanced”.' + said, retry: false };
    case 429:
    case 503:
      return {
        title: 'The server is busy or the room is full.',
        hint: `Trying again ${retryAfter > 1 ? `in ${retryAfter} s` : 'right away'}; you need not do anything.` + said, retry: true,
      };
    default:
      return { title: `The server answered with an error (${status}).`, hint: 'Trying again every second.' + said, retry: true };
  }
}

// Troubles on the way, all of which go away by trying again.
export const network = {
  offline: { title: 'This device is offline.', hint: 'You are back on air as soon as the network returns.', retry: true },
  unreachable: { title: 'The server does not answer.', hint: 'It may be restarting. Trying again every second.', retry: true },
  noRoute: {
    title: 'The server answers, but no media gets through.',
    hint: 'A firewall may block UDP (tilecast listens on one port, 8189 unless set otherwise). Trying again every second.', retry: true,
  },
  lost: { title: 'The connection was lost.', hint: 'Viewers see your last picture meanwhile. Trying again every second.', retry: true },
  noAnswer: { title: 'The server’s answer could not be used.', hint: 'Choose another codec under “Advanced”. Trying again every second.', retry: true },
};

// Link headers (RFC 8288), by which a WHIP endpoint names what belongs to it. No DOM here.

// links are the targets of a Link header: {target, rel, ...other parameters}.
export function links(header) {
  const all = [], target = /<([^>]*)>((?:\s*;\s*[\w!#$&+.^`|~*-]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;,"]+))?)*)/g;
  for (const [, address, rest] of (header ?? '').matchAll(target)) {
    const one = { target: address };
    for (const [, name, quoted, bare] of rest.matchAll(/;\s*([^\s=;]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]+)))?/g)) {
      one[name.toLowerCase()] ??= quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '';
    }
    all.push(one);
  }
  return all;
}

// link is the address with a relation, as seen from base; '' where there is none.
export function link(header, relation, base) {
  const one = links(header).find(l => l.rel?.split(/\s+/).includes(relation));
  return one ? new URL(one.target, base).href : '';
}

// iceServers are for RTCPeerConnection (RFC 9725 section 4.6).
export function iceServers(header) {
  return links(header).filter(l => l.rel === 'ice-server').map(({ target, username, credential }) =>
    username === undefined ? { urls: target } : { urls: target, username, credential });
}

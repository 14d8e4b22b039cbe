// SDP fragments (RFC 8840), which carry an ICE restart over a WHIP session (RFC 9725 section 4.3.3). No DOM here.

const lines = sdp => sdp.split(/\r?\n/).filter(Boolean);
const text = all => all.join('\r\n') + '\r\n';
const candidate = /^a=(candidate:|end-of-candidates)/;

// sections are the session's lines, then those of each media description.
function sections(sdp) {
  const all = [[]];
  for (const line of lines(sdp)) {
    if (line.startsWith('m=')) all.push([]);
    all.at(-1).push(line);
  }
  return all;
}

// fragment is what a new local description says about ICE, for the body of a PATCH. All is bundled, so the
// first media description speaks for all.
export function fragment(sdp) {
  const [session, media = []] = sections(sdp);
  const find = start => [...media, ...session].find(l => l.startsWith(start));
  return text([
    ...session.filter(l => l.startsWith('a=group:BUNDLE')), find('a=ice-ufrag:'), find('a=ice-pwd:'),
    media[0], find('a=mid:'), ...media.filter(l => l.startsWith('a=candidate:')), 'a=end-of-candidates',
  ].filter(Boolean));
}

// restarted is the remote description sdp with the credentials and candidates of the server's fragment in place of
// its own; an empty string where the fragment brings no credentials.
export function restarted(sdp, fragment) {
  const said = lines(fragment), find = start => said.find(l => l.startsWith(start));
  const ufrag = find('a=ice-ufrag:'), pwd = find('a=ice-pwd:');
  if (!ufrag || !pwd) return '';
  const all = sections(sdp).map(section => section.filter(l => !candidate.test(l))
    .map(l => l.startsWith('a=ice-ufrag:') ? ufrag : l.startsWith('a=ice-pwd:') ? pwd : l));
  all[1]?.push(...said.filter(l => candidate.test(l)));
  return text(all.flat());
}

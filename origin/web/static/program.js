// What a room's multivariant playlist says about the program behind it. No DOM here.

// programKey tells programs apart: their ids are in the addresses that the playlist points to.
export function programKey(playlist) {
  const lines = playlist.split('\n').map(l => l.trim());
  if (lines[0] !== '#EXTM3U') return '';
  return lines.filter(l => l && !l.startsWith('#')).join(' ');
}

// qualities lists what the menu offers: heights, best first, without doubles; index is that of hls.levels.
export function qualities(levels) {
  const all = levels.map((l, index) => ({ index, height: l.height || 0, bitrate: l.bitrate || 0 }));
  all.sort((a, b) => b.height - a.height || b.bitrate - a.bitrate);
  const seen = new Set();
  return all
    .map(q => ({ index: q.index, label: q.height ? `${q.height}p` : `${Math.round(q.bitrate / 1000)} kb/s` }))
    .filter(q => !seen.has(q.label) && seen.add(q.label));
}

// dateAt is the capture time, in ms since 1970, of a place on the timeline of loaded fragments; NaN: not known.
export function dateAt(fragments, position) {
  for (let i = (fragments?.length ?? 0) - 1; i >= 0; i--) {
    const f = fragments[i];
    if (f && Number.isFinite(f.programDateTime) && (position >= f.start || i === 0)) {
      return f.programDateTime + (position - f.start) * 1000;
    }
  }
  return NaN;
}

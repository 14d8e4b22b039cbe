package m3u8

// Where the specification leaves something open, or two readers of it differ, it is decided here, once. The numbers are
// those of section 24 of the checklist, then those of rules that two sources see differently.
//
//  1. The end of the playlist, from which PART-HOLD-BACK counts, is the end of the last listed part: that is what hls.js
//     and AVPlayer do, and what makes the smallest hold-back mean anything.
//  2. Low-latency playlists say version 9, deltas of the second kind 10 (V-3). The text asks for no more than 6, but one
//     AVPlayer is known to have refused SERVER-CONTROL below 9 (-12646), and no reader minds a higher number. Playlists of
//     whole segments and of key frames say 6, their deltas 9 and 10.
//  3. A delta's boundary counts from the end of the last complete segment, and a segment is skipped only when all of it lies
//     further away than CAN-SKIP-UNTIL (K-2): Apple's sample does so. Skipping more stops AVPlayer, skipping less is against
//     the text.
//  4. A part far past the end of the open segment is waited for, as the first part of the next one, rather than refused
//     hls.js behind a cache may ask for up to one and a half target durations ahead, and never asks again
//     after a 4xx. Only an MSN beyond the next segment but one is refused.
//  5. After the end, a part without msn is answered 200 like everything else: both sentences say MUST, and this one
//     keeps players alive.
//  6. Nothing to skip: a full playlist, without EXT-X-SKIP (K-9), for a SKIP of 0 is not described.
//  7. No attribute of a rendition report is ever left out, though it might be.
//  8. PART-TARGET comes from the plan and never changes (M-23).
//  9. An MSN older than the window is answered at once with the playlist, not with 400.
//  10. Before the first segment is there, requests wait for 5 s, or for one and a half target durations where that is more,
//     and are then told 404 for a second (H-9, N-16): a player that has waited starts; one that is told 404 gives up.
//
// Further decisions:
//
//   - classic playlists, which have no parts, do not promise CAN-BLOCK-RELOAD and ignore _HLS_msn (M-21, Q-17). A whole
//     segment of 6 s is more than the 4.8 s for which hls.js waits (H-7), so that blocking would end in timeouts; old caches
//     would hold a connection per viewer for nothing.
//   - They have no rendition reports either: those only help who waits for parts.
//   - EXT-X-GAP stands behind the parts of its segment, right before EXTINF: while parts are listed it is not known
//     that there will be nothing else, and lines are only ever appended (L-1). A segment is a gap when all its parts are; one
//     with a hole keeps its media, and its parts say where the hole is (G-14). Pictures come back with a key frame.
//   - Date ranges stand behind the last part and in front of the hint: every announcement appends (L-1). They are in all
//     playlists but those of key frames (D-9), and go when the segment goes in which they end (D-8). Of
//     more than a thousand states the oldest goes before: the present one is what most viewers want to know.
//   - A v2 delta is as old as its version, which is one part at most (K-12): what was announced more than CAN-SKIP-UNTIL
//     before that moment is left out (K-6).
//   - Events are in the media of every rung and of the sound that is played alone, not in the sound that goes with pictures: players
//     read both and would tell everything twice.
//   - Parts are files of their own unless a room asks for ranges: AVPlayer has refused an answer of unknown length (-12174), and
//     caches do not collapse requests for a resource that grows.
//   - A range of a growing segment that asks for no end is answered with the last byte position 9007199254740991 (PH-7), whether
//     it was written or left out, and is not to be kept (N-20); one that is complete is immutable, for its bytes are.
//   - The playlist of key frames has one entry to a segment, a range of it, so that numbers, deltas and waiting mean the same
//     in both playlists; apple and classic have further key frames inside their segments, which it does not name.
//   - The sound alone comes last in the multivariant playlist and is no member of the audio group (MV-11: no variant would
//     be true to its CODECS and BANDWIDTH otherwise).

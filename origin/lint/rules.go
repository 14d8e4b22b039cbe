package lint

import "strings"

// Level is how much a finding weighs.
type Level string

// MUST and REQ of the checklist are errors, SHOULD is a warning; the authoring advice of Apple, what
// single players need, and HTTP/1.1 without TLS are notes.
const (
	Error   Level = "error"
	Warning Level = "warning"
	Note    Level = "note"
)

// Rule is what a finding is about.
type Rule struct {
	ID      string // number of the checklist; what stands behind a slash tells the halves of one apart
	Level   Level
	Section string // of draft-pantos-hls-rfc8216bis-22, of Apple's Authoring Specification (AAS), or of an RFC
	Text    string
	Advice  string // what to do about it, where that is not plain
}

// number is the rule's in the checklist.
func (r Rule) number() string {
	n, _, _ := strings.Cut(r.ID, "/")
	return n
}

// rules are all that this package can find, by ID.
var rules = index(append(cacheRules, streamRules...))

// streamRules are about the stream itself.
var streamRules = []Rule{
	{"S-1", Error, "4", "A playlist is known by its path or its Content-Type", ""},
	{"S-2", Error, "4.1", "UTF-8 without byte order mark and control characters", ""},
	{"S-3", Error, "4.1", "No white space where no element allows it", ""},
	{"S-5", Error, "4.2", "Attribute lists: NAME=value, each name once, no spaces", ""},
	{"S-6", Error, "4.2", "Attribute values have the form of their type", ""},
	{"S-7", Error, "4.4.1.1", "#EXTM3U is the first line", ""},
	{"S-8", Error, "4.4.1.2", "EXT-X-VERSION stands once", ""},
	{"S-9", Error, "4.1", "A playlist is either multivariant or media", ""},
	{"S-10", Error, "4.4.3", "Tags of the whole playlist come once", ""},
	{"S-11", Error, "4.4.2", "EXT-X-INDEPENDENT-SEGMENTS and EXT-X-START come once", ""},
	{"S-14", Warning, "4.4.2.2", "EXT-X-START should not lead into the last three target durations", ""},
	{"S-15", Error, "4.4.2.3", "EXT-X-DEFINE has one of NAME, IMPORT and QUERYPARAM", ""},
	{"S-16", Error, "4.3", "Variables are defined before they are used", ""},
	{"V-3", Error, "8", "EXT-X-VERSION is as high as the contents need", ""},

	{"M-1", Error, "4.4.3.1", "TARGETDURATION is there and no segment rounds to more", ""},
	{"M-2", Error, "6.2.1", "TARGETDURATION never changes", ""},
	{"M-3", Error, "6.2.4", "All media playlists have one TARGETDURATION", ""},
	{"M-4", Error, "4.4.3.2", "MEDIA-SEQUENCE stands before the first segment", ""},
	{"M-5", Error, "6.2.2", "MEDIA-SEQUENCE never goes back", ""},
	{"M-8", Error, "4.4.3.3", "DISCONTINUITY-SEQUENCE stands before the first segment", ""},
	{"M-9", Error, "6.2.2", "Discontinuity sequence numbers never change or go back", ""},
	{"M-11", Note, "AAS 8.17", "DISCONTINUITY-SEQUENCE is there wherever discontinuities can be", ""},
	{"M-12", Error, "4.4.3.5", "PLAYLIST-TYPE says what the playlist does", ""},
	{"M-13", Error, "6.2.4", "PLAYLIST-TYPE is the same in all media playlists", ""},
	{"M-14", Error, "4.4.3.4", "Nothing changes after EXT-X-ENDLIST", ""},
	{"M-15", Error, "6.2.5", "After EXT-X-ENDLIST no part is without its segment", ""},
	{"M-16", Error, "6.2.4", "SERVER-CONTROL is the same in all media playlists", ""},
	{"M-17", Error, "4.4.3.8", "CAN-SKIP-UNTIL is at least six target durations", ""},
	{"M-18", Error, "4.4.3.8", "CAN-SKIP-DATERANGES comes with CAN-SKIP-UNTIL only", ""},
	{"M-19", Error, "4.4.3.8", "HOLD-BACK is at least three target durations", ""},
	{"M-20", Error, "4.4.3.8", "PART-HOLD-BACK is there and at least twice PART-TARGET", ""},
	{"M-20/should", Warning, "4.4.3.8", "PART-HOLD-BACK should be at least three times PART-TARGET", ""},
	{"M-21", Error, "B.1", "A playlist with parts can be waited for: CAN-BLOCK-RELOAD=YES", ""},
	{"M-22", Error, "4.4.3.7", "Parts come with EXT-X-PART-INF and PART-TARGET", ""},
	{"M-23", Error, "6.2.1", "SERVER-CONTROL and PART-INF never change", ""},
	{"M-25", Error, "4.4.3.6", "The segments of an I-frame playlist are key frames, with init section", ""},

	{"G-1", Error, "4.4.4.1", "EXTINF and DURATION are how long the media lasts", ""},
	{"G-1/should", Warning, "4.4.4.1", "EXTINF and DURATION should be exact to a tick of the media", ""},
	{"G-2", Error, "4.4.4.1", "EXTINF has its comma", ""},
	{"G-3", Error, "4.4.4.2", "BYTERANGE without an offset goes on from the segment before", ""},
	{"G-4", Error, "4.4.4.3, 6.2.1", "EXT-X-DISCONTINUITY stands where the tracks or their format change", ""},
	{"G-7", Error, "4.4.4.5", "EXT-X-MAP leads to the init section", ""},
	{"G-8", Error, "3.1.2", "Every fMP4 segment has an EXT-X-MAP", ""},
	{"G-10", Warning, "4.4.4.6", "Dates should have a time zone", ""},
	{"G-11", Error, "6.2.1", "Dates follow the media", ""},
	{"G-12", Error, "6.2.4, B.1", "Every playlist has PROGRAM-DATE-TIME, and all map dates to media alike", ""},
	{"G-14", Error, "6.2.1", "What is missing is marked as a gap, parts included", ""},
	{"G-15", Error, "4.4.4.8", "EXT-X-BITRATE is within 10 % of each segment's bit rate", ""},
	{"G-16", Error, "4.4.4.9", "What applies to a segment stands before its first part", ""},
	{"G-17", Error, "B.1", "Every segment has an independent frame", ""},
	{"G-17/aas", Note, "AAS 7.4", "Every segment begins with an IDR frame", ""},

	{"P-1", Error, "4.4.4.9", "A part has URI and DURATION", ""},
	{"P-3", Error, "3.2", "The parts of a segment are the segment", ""},
	{"P-4", Error, "3.2", "A part or segment is a whole fMP4 media segment", ""},
	{"P-5", Warning, "4.4.4.9", "INDEPENDENT=YES stands on exactly the parts with an independent frame", ""},
	{"P-6", Error, "4.4.4.9", "A part's BYTERANGE is n[@o]", ""},
	{"P-7", Error, "4.4.4.9", "No part is longer than PART-TARGET", ""},
	{"P-8", Error, "4.4.4.9", "No part is shorter than 85 % of PART-TARGET, unless it may be", ""},
	{"P-10", Error, "6.2.1", "A part can be had the moment it is listed", ""},
	{"P-11", Error, "6.2.1", "A part follows another within PART-TARGET", ""},
	{"P-12", Warning, "6.2.2", "Parts should go when they are three target durations old", ""},
	{"P-12/order", Error, "6.2.2", "Parts are removed oldest first", ""},
	{"P-13", Error, "6.2.2", "A part can be had for three target durations after it left the playlist", ""},
	{"P-14", Warning, "4.4.4.9", "I-frame playlists should have no parts", ""},
	{"P-15", Error, "4.4.4.9", "The durations of its parts add up to the segment's", ""},
	{"PH-1", Error, "B.1", "A playlist with parts has a PRELOAD-HINT for the next one", ""},
	{"PH-2", Error, "4.4.5.3", "A hint has the URI that comes true", ""},
	{"PH-4", Error, "B.1", "A new init section is hinted at with the part that needs it", ""},
	{"PH-5", Warning, "6.2.6", "There should be one hint of a type", ""},
	{"PH-7", Error, "4.4.5.3", "The last byte position 9007199254740991 is understood", ""},
	{"PH-8", Error, "6.2.6", "What is hinted at can be asked for at once", ""},
	{"PH-9", Error, "6.2.6", "No byte of a part is sent before all of it can be", ""},
	{"PH-10", Warning, "6.2.6", "What does not exist should be answered with 404", ""},
	{"PH-11", Error, "4.4.5.3", "No hint after EXT-X-ENDLIST", ""},
	{"R-1", Error, "B.1", "A playlist reports on each other playlist of the presentation, not on itself", ""},
	{"R-2", Error, "4.4.5.4", "Reports have a relative URI", ""},
	{"R-3", Error, "4.4.5.4", "Reports say the MSN that the other playlist really has", ""},
	{"R-4", Error, "4.4.5.4", "Reports say LAST-PART", ""},
	{"R-6", Error, "4.4.5.4", "Reports are as fresh as the playlist they are in", ""},
	{"D-1", Error, "4.4.5.1", "A DATERANGE has an ID", ""},
	{"D-2", Error, "4.4.5.1", "A date range ends after its start, and END-DATE agrees with DURATION", ""},
	{"D-3", Error, "4.4.5.1", "A playlist with date ranges has PROGRAM-DATE-TIME", ""},
	{"D-4", Error, "4.4.5.1", "Tags of one date range add to each other, and change nothing", ""},
	{"D-5", Error, "4.4.5.1", "END-ON-NEXT comes with CLASS, without DURATION and END-DATE, and ranges of a class follow each other", ""},
	{"D-6", Error, "4.4.5.1", "CUE is of PRE, POST and ONCE", ""},
	{"D-7", Error, "4.4.5.1", "X- attributes are strings, hexadecimal sequences or numbers", ""},
	{"D-8", Error, "6.2.1", "A date range stays while segments that it speaks of are listed", ""},
	{"D-9", Error, "6.2.4", "Playlists with date ranges all have the same", ""},

	{"L-1", Error, "6.2.1", "A playlist only changes in the ways that are allowed", ""},
	{"L-3", Error, "6.2.1", "A segment follows another within 1.5 target durations", ""},
	{"L-4", Error, "6.2.1", "A segment can be had the moment it is listed", ""},
	{"L-5", Error, "6.2.2", "A live playlist keeps three target durations", ""},
	{"L-6", Error, "6.2.2", "A segment can be had after it left the playlist", ""},
	{"L-11", Error, "6.3.4", "A listed segment never changes", ""},

	{"Q-1", Error, "6.2.5", "Unknown _HLS_ parameters do no harm", ""},
	{"Q-3", Error, "6.2.5.2", "_HLS_msn alone waits for the whole segment, and no longer", ""},
	{"Q-4", Error, "6.2.5.2", "_HLS_msn and _HLS_part wait for that part, and no longer", ""},
	{"Q-5", Error, "6.2.5.2", "A part past the end of a segment is the first of the next", ""},
	{"Q-6", Error, "6.2.5.2", "An older _HLS_msn is answered at once with the playlist", ""},
	{"Q-7", Error, "6.2.5.2", "_HLS_part without _HLS_msn is a bad request", ""},
	{"Q-8", Warning, "6.2.5.2", "_HLS_msn beyond the last segment plus two should be a bad request at once", ""},
	{"Q-10", Warning, "6.2.5.2", "Nobody should wait for more than three target durations", ""},
	{"Q-11", Error, "6.2.5.2", "After EXT-X-ENDLIST directives are ignored", ""},
	{"Q-12", Error, "6.2.5.1", "_HLS_skip is answered with a delta where one is promised", ""},
	{"Q-13", Error, "B.1", "A blocking request can be asked again", ""},
	{"K-1", Error, "4.4.5.2", "EXT-X-SKIP stands for the oldest segments where deltas are promised", ""},
	{"K-2", Error, "6.2.5.1", "A delta skips exactly what lies beyond CAN-SKIP-UNTIL", ""},
	{"K-3", Error, "4.4.5.2", "A delta has the sequence numbers of the full playlist and counts what it skips", ""},
	{"K-4", Error, "4.4.5", "One EXT-X-SKIP", ""},
	{"K-5", Error, "6.2.5.1", "What a delta does not skip is as in the full playlist", ""},
	{"K-6", Error, "4.4.5.2", "A delta v2 says which date ranges were removed", ""},

	{"MV-1", Error, "4.4.6.1", "EXT-X-MEDIA has TYPE, GROUP-ID, NAME, and a URI where one belongs", ""},
	{"MV-2", Error, "4.4.6.1", "Closed captions have INSTREAM-ID", ""},
	{"MV-3", Error, "4.4.6.1", "Attributes of EXT-X-MEDIA agree with each other", ""},
	{"MV-4", Warning, "4.4.6.1", "Audio should have CHANNELS", ""},
	{"MV-5", Error, "4.4.6.1.1", "A group has distinct names and one default", ""},
	{"MV-6", Error, "4.4.6.2", "EXT-X-STREAM-INF has BANDWIDTH and a URI", ""},
	{"MV-7", Warning, "4.4.6.2", "BANDWIDTH should be the peak segment bit rate", ""},
	{"MV-9", Note, "AAS 9.14, 1.28", "AVERAGE-BANDWIDTH is there and true within 10 %", ""},
	{"MV-10", Error, "4.4.6.2.1", "No combination has a peak far above BANDWIDTH (more than 25 %)", ""},
	{"MV-11", Error, "6.2.4", "CODECS lists every format in the variant", ""},
	{"MV-11/should", Warning, "4.4.6.2", "A variant should have CODECS", ""},
	{"MV-12", Error, "4.4.6.2, RFC 6381", "CODECS says what the parameter sets say", ""},
	{"MV-13", Note, "AAS 9.2, 9.15", "A video variant has RESOLUTION and FRAME-RATE", ""},
	{"MV-13/wrong", Warning, "4.4.6.2", "RESOLUTION and FRAME-RATE should be those of the media", ""},
	{"MV-14", Error, "4.4.6.2", "VIDEO-RANGE is that of the media", ""},
	{"MV-16", Error, "4.4.6.2", "Groups that are named exist", ""},
	{"MV-20", Error, "4.4.6.3", "EXT-X-I-FRAME-STREAM-INF has BANDWIDTH and URI", ""},
	{"MV-21", Error, "4.4.6.4", "EXT-X-SESSION-DATA has DATA-ID", ""},
	{"MV-22", Error, "4.4.6.5", "EXT-X-SESSION-KEY has METHOD", ""},
	{"MV-23", Error, "4.4.6.6", "EXT-X-CONTENT-STEERING comes once and has SERVER-URI", ""},

	{"C-1", Error, "6.2.4", "Renditions have matching timestamps", ""},
	{"C-2", Error, "6.2.4", "Renditions have matching discontinuity sequence numbers", ""},
	{"C-4", Error, "6.2.4", "Playlists begin and end together, within a target duration", ""},
	{"C-7", Note, "AAS 8.3, 8.22", "Segments of all renditions begin at the same places", ""},
	{"C-8", Note, "6.3.2", "Renditions number their segments alike", ""},
	{"C-9", Error, "B.1", "All renditions are updated within one PART-TARGET", ""},
	{"E-1", Error, "4.4.4.4", "EXT-X-KEY has METHOD", ""},
	{"E-5", Error, "4.4.4.4", "EXT-X-KEY has URI", ""},

	{"F-1", Error, "3.1.2", "An init section is ftyp with a brand of iso6 or later, then moov", ""},
	{"F-2", Error, "3.1.2", "moov has mvex, no samples and no duration", ""},
	{"F-3", Error, "3.1.2", "Every traf has a tfdt", ""},
	{"F-4", Error, "3.1.2", "Media is addressed from its moof", ""},
	{"F-5", Error, "3, AAS 7.3", "tfdt goes on where the samples before end", ""},
	{"F-14", Note, "AAS 1.10", "Parameter sets are in the init section (avc1, hvc1)", ""},
	{"T-1", Error, "AOM ID3 in CMAF", "An emsg is of version 1 and can be read", ""},
	{"T-2", Error, "AOM ID3 in CMAF", "The time of an emsg lies within the fragment that carries it", ""},

	{"N-1", Error, "B.1", "HTTP/2 or HTTP/3", ""},
	{"N-1/plain", Note, "B.1", "HTTP/2 or HTTP/3, which plain http does not give", ""},
	{"N-3", Error, "B.1", "One server offers every rendition", ""},
	{"N-4", Error, "RFC 9110 14", "Ranges are answered right, and always where BYTERANGE is used", ""},
	{"N-4/plain", Note, "RFC 9110 14", "Range requests on media are answered with 206", ""},
	{"N-6", Error, "B.1", "Low-latency playlists are compressed with gzip", ""},
	{"N-6/should", Warning, "6.2.1", "Playlists should be compressed with gzip", ""},
	{"N-6/vary", Note, "RFC 9110 12.5.5", "What depends on Accept-Encoding says so in Vary", ""},
	{"N-7", Note, "RFC 9110 9.3.2", "HEAD is answered like GET", ""},
	{"N-8", Note, "B.1", "No cookies, so that caches may share", ""},
	{"N-10", Note, "AAS 8.18", "No redirects for media", ""},
	{"N-11", Note, "AAS appendix", "MIME types are the usual ones", ""},
	{"N-12", Note, "AAS 8.24", "Last-Modified of a live playlist is no older than three target durations", ""},
	{"N-13", Warning, "Fetch 3.3", "Any page may read the stream: Access-Control-Allow-Origin", ""},
	{"N-13/expose", Note, "Fetch 3.3", "Pages may read Age and Date: Access-Control-Expose-Headers", ""},
	{"N-14", Warning, "B.1", "Media has a Content-Length", ""},
	{"N-15", Warning, "B.1", "Cache-Control says how long an answer holds", ""},
	{"N-16", Note, "B.1", "Refusals are not cached for long", ""},
	{"N-19", Warning, "B.1", "A playlist that was not waited for holds for one target duration at most", ""},

	{"H-6", Note, "hls.js", "Numbering starts at 1, or hls.js does not block", ""},
	{"H-14", Warning, "hls.js", "A playlist has a whole segment before it has parts", ""},
	{"H-17", Warning, "3.2", "Parts stand before the EXTINF of their segment", ""},
}

func index(list []Rule) map[string]Rule {
	m := make(map[string]Rule, len(list))
	for _, r := range list {
		m[r.ID] = r
	}
	return m
}

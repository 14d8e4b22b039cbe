package ingest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// checklist is what RFC 9725 (W) and its clients (O) ask of the endpoint, by the numbers that the
// comments of tests cite. What is asked of clients alone is left out.
var checklist = map[string]string{
	"W-2":  "GET is 2xx and empty",
	"W-3":  "OPTIONS for CORS, with Accept-Post",
	"W-4":  "HTTPS",
	"W-5":  "unguessable session URLs, rate limits",
	"W-6":  "CORS headers on everything",
	"W-10": "an SDP offer as application/sdp, else 4xx",
	"W-11": "201, answer, Location",
	"W-12": "sendonly or sendrecv",
	"W-13": "answer is recvonly",
	"W-14": "same sections, mids, payload types",
	"W-15": "bundle-only with port 0",
	"W-16": "all candidates in the answer",
	"W-17": "absolute Location",
	"W-18": "a POST of the same participant takes over",
	"W-19": "strong ETag",
	"W-20": "DELETE ends the session",
	"W-21": "If-Match on DELETE is ignored",
	"W-22": "DELETE again is 200",
	"W-23": "consent, and DTLS close",
	"W-24": "goodbye by the server",
	"W-25": "never connected sessions end",
	"W-30": "trickle and restart are both there",
	"W-31": "wrong type or malformed fragment is 4xx",
	"W-32": "credentials tell a restart from trickle",
	"W-33": "428 and 412",
	"W-34": "trickle: 204, no body, no ETag",
	"W-35": "unusable candidates are dropped silently",
	"W-36": "the section that leads the bundle",
	"W-37": "repeated and overlapping PATCHes",
	"W-38": "restart: 200, credentials, candidates, new ETag",
	"W-39": "a restart replaces remote candidates, ICE options stay",
	"W-40": "a failed restart leaves the session",
	"W-41": "nothing but ICE changes by PATCH",
	"W-42": "the ETag changes only with a restart",
	"W-43": "PATCH to a session that is gone",
	"W-44": "aggregated trickle after the 201",
	"W-50": "BUNDLE, rtcp-mux, rtcp-mux-only",
	"W-51": "at most one audio and one video of one stream",
	"W-52": "no partial success",
	"W-53": "actpass, active and passive",
	"W-54": "full ICE",
	"W-55": "simulcast",
	"W-56": "feedback for congestion control",
	"W-60": "307, never 301 or 302",
	"W-61": "503 with Retry-After",
	"W-62": "Link for each ICE server",
	"W-63": "no Link in a preflight",
	"W-64": "Bearer tokens",
	"W-65": "tokens on PATCH and DELETE",
	"W-66": "extension links only in the 201",
	"W-70": "codecs",
	"W-71": "resolution from the stream",
	"W-72": "resolution changes mid-stream",
	"W-73": "PLI, and clients that ignore it",
	"W-74": "sender reports",
	"W-75": "B-frames",
	"W-76": "stereo Opus, DTX",
	"O-1":  "OBS: no candidates",
	"O-2":  "OBS: 201, v=0, in time",
	"O-4":  "OBS: absolute Location",
	"O-5":  "OBS: one Link a line",
	"O-6":  "OBS: profile is always 42e01f",
	"O-7":  "OBS: no RTX, no PLI",
	"O-9":  "OBS: SSRCs come again",
	"O-10": "OBS: simulcast is accepted whole",
	"O-12": "OBS: DTLS close, then DELETE",
	"O-20": "GStreamer: all candidates in the offer",
	"O-31": "FFmpeg: we are the DTLS client",
	"O-33": "FFmpeg: UDP host candidate first, short answer",
	"O-40": "mediamtx: If-Match * trickles",
	"O-41": "medooze: PATCH without If-Match",
	"O-42": "mDNS candidates",
}

var cited = regexp.MustCompile(`\b([WO])-(\d+)(?: to [WO]-(\d+))?`)

// citations are the tests of the whole repository by the numbers that their comments cite.
func citations(t *testing.T) map[string][]string {
	t.Helper()
	tests := make(map[string][]string)
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") || d.Name() == "checklist_test.go" {
			return err
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || !strings.HasPrefix(f.Name.Name, "Test") && !strings.HasPrefix(f.Name.Name, "Fuzz") {
				continue
			}
			start := f.Pos()
			if f.Doc != nil {
				start = f.Doc.Pos()
			}
			for _, group := range file.Comments {
				if group.Pos() < start || group.Pos() > f.End() {
					continue
				}
				for _, m := range cited.FindAllStringSubmatch(group.Text(), -1) {
					first, _ := strconv.Atoi(m[2])
					last, err := strconv.Atoi(m[3])
					if err != nil {
						last = first
					}
					for n := first; n <= last; n++ {
						key := fmt.Sprintf("%s-%d", m[1], n)
						name := filepath.Base(filepath.Dir(path)) + "." + f.Name.Name
						if !slices.Contains(tests[key], name) {
							tests[key] = append(tests[key], name)
						}
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tests
}

// Every number of the checklist has a test; go test -v -run Checklist prints which.
func TestChecklist(t *testing.T) {
	tests := citations(t)
	keys := slices.SortedFunc(maps.Keys(checklist), func(a, b string) int {
		if a[0] != b[0] {
			return int(b[0]) - int(a[0])
		}
		x, _ := strconv.Atoi(a[2:])
		y, _ := strconv.Atoi(b[2:])
		return x - y
	})
	for _, key := range keys {
		t.Logf("%-5s %-55s %s", key, checklist[key], strings.Join(tests[key], ", "))
		if len(tests[key]) == 0 {
			t.Errorf("%s (%s) has no test", key, checklist[key])
		}
	}
}

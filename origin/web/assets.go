package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// asset is one embedded file, ready to be sent.
type asset struct {
	data   []byte
	mime   string
	etag   string        // strong, of the plain bytes
	packed func() []byte // gzip, made at the first request that accepts it; nil where it does not pay
}

// assets are the files below one folder of an embedded tree, by path within it.
type assets struct {
	files   map[string]*asset
	version string // changes whenever any file does
}

// The types are listed here, because those of the machine (mime.TypeByExtension) differ between machines.
var mimes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
	".txt": "text/plain; charset=utf-8",
}

func loadAssets(tree fs.FS) (*assets, error) {
	a := &assets{files: map[string]*asset{}}
	whole := sha256.New()
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		whole.Write([]byte(name))
		whole.Write(data)
		a.files[name] = newAsset(name, data)
		return nil
	})
	a.version = hex.EncodeToString(whole.Sum(nil)[:6])
	return a, err
}

func newAsset(name string, data []byte) *asset {
	sum := sha256.Sum256(data)
	f := &asset{data: data, mime: mimes[path.Ext(name)], etag: `"` + hex.EncodeToString(sum[:12]) + `"`}
	if f.mime == "" {
		f.mime = "application/octet-stream"
	} else if len(data) > 1024 {
		f.packed = sync.OnceValue(func() []byte { return pack(data) })
	}
	return f
}

func pack(data []byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // fails on an unknown level only
	_, _ = z.Write(data)                                  // a bytes.Buffer takes everything
	_ = z.Close()
	return b.Bytes()
}

// serve answers GET and HEAD: ETag, ranges and gzip (RFC 9110 sections 8.8.3, 14 and 12.5.3).
func (f *asset) serve(w http.ResponseWriter, r *http.Request, caching string) {
	h := w.Header()
	h.Set("Content-Type", f.mime)
	h.Set("Cache-Control", caching)
	h.Set("ETag", f.etag)
	body := f.data
	if f.packed != nil {
		h.Set("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Get("Accept-Encoding")) && r.Header.Get("Range") == "" {
			h.Set("Content-Encoding", "gzip")
			h.Set("ETag", strings.TrimSuffix(f.etag, `"`)+`-gz"`)
			body = f.packed()
		}
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// acceptsGzip reads an Accept-Encoding header: gzip or * named, and not with weight 0.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		coding, weight = strings.ToLower(strings.TrimSpace(coding)), strings.ReplaceAll(weight, " ", "")
		if coding == "gzip" || coding == "*" {
			return strings.TrimRight(strings.TrimPrefix(weight, "q="), "0.") != "" || weight == ""
		}
	}
	return false
}

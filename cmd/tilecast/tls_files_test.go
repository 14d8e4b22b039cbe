package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tilecast/configs"
)

// pair writes a certificate for name and its key into dir, as two files.
func pair(t *testing.T, dir, name string, changed time.Time) (certFile, keyFile string) {
	t.Helper()
	cert, err := makeCertificate(t.TempDir(), time.Now(), []string{name}, []net.IP{net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: cert.Certificate[0]},
		keyFile:  {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, changed, changed); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// Changed files are read anew; unfit ones leave the certificate that was good, and are told once.
func TestCertificateFilesAreReadAnew(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	cert, key := pair(t, dir, "one.example.org", now.Add(-time.Hour))
	var told strings.Builder
	files, err := newCertificateFiles(cert, key, func() time.Time { return now }, slog.New(slog.NewTextHandler(&told, nil)))
	if err != nil {
		t.Fatal(err)
	}
	serves := func(want, when string) {
		t.Helper()
		c, err := files.get(nil)
		if err != nil || c.Leaf.DNSNames[0] != want {
			t.Errorf("%s: %v, %v, want %s", when, c.Leaf.DNSNames, err, want)
		}
	}
	pair(t, dir, "two.example.org", now)
	serves("one.example.org", "before it is time to look")
	now = now.Add(certificateLook)
	serves("two.example.org", "once they changed")

	good, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	pair(t, dir, "three.example.org", now)
	if err := os.WriteFile(cert, good, 0o600); err != nil { // as between the writing of one and of the other
		t.Fatal(err)
	}
	for range 3 {
		now = now.Add(certificateLook)
		serves("two.example.org", "while certificate and key do not fit")
	}
	os.Remove(key)
	for range 3 {
		now = now.Add(certificateLook)
		serves("two.example.org", "without a key")
	}
	if n := strings.Count(told.String(), "level=WARN"); n != 2 {
		t.Errorf("%d warnings, want one for each trouble:\n%s", n, &told)
	}
	pair(t, dir, "four.example.org", now)
	now = now.Add(certificateLook)
	serves("four.example.org", "once they fit again")
}

func TestUnfitCertificateFilesAreNamedAtTheStart(t *testing.T) {
	dir := t.TempDir()
	cert, key := pair(t, dir, "one.example.org", time.Now())
	nowhere := filepath.Join(dir, "nowhere.pem")
	for _, files := range [][2]string{{nowhere, key}, {cert, nowhere}, {key, cert}, {cert, cert}} {
		cfg := configs.Default()
		cfg.HTTP.TLSCert, cfg.HTTP.TLSKey = files[0], files[1]
		_, err := tlsConfig(cfg, slog.New(slog.DiscardHandler))
		if err == nil || !strings.HasPrefix(err.Error(), "http.tls_cert: ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: %v", files, err)
		}
	}
	cfg := configs.Default()
	cfg.HTTP.TLSCert, cfg.HTTP.TLSKey = cert, os.DevNull
	if _, err := tlsConfig(cfg, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), os.DevNull+": is not a regular file; ") {
		t.Errorf("a key that is a device: %v", err)
	}
}

// A connection that is open goes on with the old certificate, a new one gets the new one, both over HTTP/2.
func TestCertificateReloadWhileServing(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	cert, key := pair(t, dir, "one.example.org", now.Add(-time.Hour))
	files, err := newCertificateFiles(cert, key, func() time.Time { now = now.Add(certificateLook); return now }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	base := serveTest(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }),
		&tls.Config{GetCertificate: files.get})
	get := func(c *http.Client, want string) {
		t.Helper()
		resp, err := c.Get(base)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if got := resp.TLS.PeerCertificates[0].DNSNames[0]; got != want || resp.ProtoMajor != 2 {
			t.Errorf("%s over %s, want %s over HTTP/2", got, resp.Proto, want)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Error(err)
		}
	}
	before, after := http2Client(t), http2Client(t)
	get(before, "one.example.org")
	pair(t, dir, "two.example.org", time.Now())
	get(before, "one.example.org")
	get(after, "two.example.org")
}

// ACME is asked for the names in the configuration only, and answers its challenges itself.
func TestACME(t *testing.T) {
	cfg := configs.Default()
	cfg.Data, cfg.HTTP.ACME = t.TempDir(), "Live.example.org, other.example.org"
	c, err := tlsConfig(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if protos := strings.Join(c.NextProtos, " "); !strings.Contains(protos, "h2") || !strings.Contains(protos, "acme-tls/1") {
		t.Errorf("protocols %q", protos)
	}
	if _, err := c.GetCertificate(&tls.ClientHelloInfo{ServerName: "foreign.example.org"}); err == nil || !strings.Contains(err.Error(), "not configured") {
		t.Errorf("a foreign name: %v", err)
	}
}

func TestHealthcheckTrustsTheFiles(t *testing.T) {
	dir := t.TempDir()
	cert, key := pair(t, dir, "*.example.org", time.Now())
	cmd := tilecast(t, "serve", "--http", "127.0.0.1:0", "--udp", "0")
	cmd.Env = append(cmd.Env, "TILECAST_HTTP_TLS_CERT="+cert, "TILECAST_HTTP_TLS_KEY="+key)
	base, _ := up(t, cmd)
	ask := tilecast(t, "healthcheck", "--http", strings.TrimPrefix(base, "https://"))
	ask.Env = append(ask.Env, "TILECAST_HTTP_TLS_CERT="+cert, "TILECAST_HTTP_TLS_KEY="+key)
	if _, stderr, code := result(t, ask); code != exitOK {
		t.Errorf("healthcheck: exit code %d, %s", code, stderr)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

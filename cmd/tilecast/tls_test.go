package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func devLeaf(t *testing.T, dir string, now time.Time) *x509.Certificate {
	t.Helper()
	cfg, err := devTLS(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	return cfg.Certificates[0].Leaf
}

func TestDevelopmentCertificateNamesThisMachine(t *testing.T) {
	now := time.Now()
	leaf := devLeaf(t, t.TempDir(), now)
	for _, name := range []string{"localhost", "127.0.0.1", "::1"} {
		if err := leaf.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	names, ips := machineNames()
	for _, ip := range ips {
		if err := leaf.VerifyHostname(ip.String()); err != nil {
			t.Error(err)
		}
	}
	if !slices.Equal(leaf.DNSNames, names) {
		t.Errorf("%q, want %q", leaf.DNSNames, names)
	}
	if life := leaf.NotAfter.Sub(leaf.NotBefore); life > certificateLife || now.Before(leaf.NotBefore) {
		t.Errorf("good from %s for %s", leaf.NotBefore, life)
	}
}

func TestDevelopmentCertificateIsKeptUntilNearItsEnd(t *testing.T) {
	dir, now := filepath.Join(t.TempDir(), "not", "there"), time.Now()
	first := devLeaf(t, dir, now)
	if err := os.Chmod(certificateFile(dir), 0o644); err != nil {
		t.Fatal(err)
	}
	if !devLeaf(t, dir, first.NotAfter.Add(-certificateRenew)).Equal(first) {
		t.Error("made anew although it is good for longer than the time to renew")
	}
	info, err := os.Stat(certificateFile(dir))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: want 0600", info.Mode(), err)
	}
	second := devLeaf(t, dir, first.NotAfter.Add(-certificateRenew+time.Second))
	if second.Equal(first) {
		t.Error("kept although it ends soon")
	}
	if devLeaf(t, dir, first.NotBefore.Add(-time.Hour)).Equal(second) {
		t.Error("kept although it is not good yet")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left over: %v, %v", entries, err)
	}
}

func TestDevelopmentCertificateFollowsTheMachine(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	path, local := certificateFile(dir), []net.IP{net.IPv4(127, 0, 0, 1)}
	if _, err := makeCertificate(dir, now, []string{"localhost"}, local); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		names []string
		ips   []net.IP
		kept  bool
	}{
		{[]string{"localhost"}, local, true},
		{[]string{"localhost", "other"}, local, false},
		{[]string{"localhost"}, append(local, net.IPv4(192, 0, 2, 1)), false},
		{[]string{"localhost"}, append(local, net.ParseIP("2001:db8::1")), true},
	} {
		if _, err := readCertificate(path, now, c.names, c.ips); (err == nil) != c.kept {
			t.Errorf("%v, %v: %v", c.names, c.ips, err)
		}
	}
}

func TestDamagedCertificateIsMadeAnew(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(certificateFile(dir), []byte("-----BEGIN NOTHING"), 0o600); err != nil {
		t.Fatal(err)
	}
	devLeaf(t, dir, time.Now())

	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := devTLS(file, time.Now()); err == nil {
		t.Error("a data folder that is a file was taken")
	}
}

func TestDevelopmentTLSSpeaksHTTP2(t *testing.T) {
	cfg, err := devTLS(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) }))
	srv.TLS, srv.EnableHTTP2 = cfg, true
	srv.StartTLS()
	defer srv.Close()
	roots := x509.NewCertPool()
	roots.AddCert(cfg.Certificates[0].Leaf)
	client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots}}}
	defer client.CloseIdleConnections()
	resp, err := client.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.ProtoMajor != 2 {
		t.Errorf("%s, want HTTP/2", resp.Proto)
	}
}

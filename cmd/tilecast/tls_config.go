package main

import (
	"crypto/tls"
	"log/slog"
	"path/filepath"
	"time"

	"golang.org/x/crypto/acme/autocert"

	"tilecast/configs"
)

// tlsConfig is what HTTPS needs: certificate files, certificates by ACME, or one for development. It is nil for
// plain HTTP.
func tlsConfig(cfg configs.Config, log *slog.Logger) (*tls.Config, error) {
	switch h := cfg.HTTP; {
	case h.TLSCert != "":
		files, err := newCertificateFiles(h.TLSCert, h.TLSKey, time.Now, log)
		if err != nil {
			return nil, err
		}
		return &tls.Config{GetCertificate: files.get, MinVersion: tls.VersionTLS12}, nil
	case h.ACME != "":
		m := &autocert.Manager{
			Prompt: autocert.AcceptTOS, HostPolicy: autocert.HostWhitelist(h.ACMENames()...),
			Cache: autocert.DirCache(filepath.Join(cfg.Data, "acme")),
		}
		t := m.TLSConfig()
		t.MinVersion = tls.VersionTLS12
		return t, nil
	case h.TLSDev:
		return devTLS(cfg.Data, time.Now())
	}
	return nil, nil
}

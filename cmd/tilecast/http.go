package main

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"time"
)

// newHTTPServer serves h over HTTP/1.1 and HTTP/2: with t over TLS, else also without (h2c), as proxies
// speak it. Its limits hold for every handler; one whose answer takes longer than maxAnswer sets its
// own deadlines (http.ResponseController).
func newHTTPServer(h http.Handler, t *tls.Config, log *slog.Logger) *http.Server {
	srv := &http.Server{
		Handler:           h,
		TLSConfig:         t,
		Protocols:         new(http.Protocols),
		ReadHeaderTimeout: 10 * time.Second, // and a TLS handshake
		ReadTimeout:       30 * time.Second, // longer than any playlist or part is held
		WriteTimeout:      maxAnswer,        // for who stops reading
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		HTTP2: &http.HTTP2Config{
			SendPingTimeout: 30 * time.Second, // N-1: who does not answer is gone
			PingTimeout:     15 * time.Second,
		},
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	srv.Protocols.SetHTTP1(true)
	srv.Protocols.SetHTTP2(t != nil)
	srv.Protocols.SetUnencryptedHTTP2(t == nil)
	return srv
}

// maxAnswer is how long a request may take, from its header to its last byte.
const maxAnswer = 2 * time.Minute

package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"tilecast/configs"
)

// listenHTTP opens the address of pages, WHIP and playlists.
func listenHTTP(cfg configs.Config) (net.Listener, error) {
	ln, err := net.Listen("tcp", cfg.HTTP.Listen)
	if err != nil {
		return nil, portProblem("http.listen", cfg.HTTP.Listen, "--http ADDR", err)
	}
	return ln, nil
}

// portProblem says in a person's words why an address can't be opened, and what to change.
// The error of the call stays within.
func portProblem(key, addr, flag string, err error) error {
	why := err
	var op *net.OpError
	if errors.As(err, &op) {
		why = op.Err
	}
	var text string
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		text = "is in use by another program"
	case errors.Is(err, syscall.EACCES):
		text = "needs more rights than this user has"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		text = "is not an address of this machine"
	default:
		text = "can't be opened (" + why.Error() + ")"
	}
	return &startProblem{fmt.Sprintf("%s: %s %s; choose another with %s or %s", key, addr, text, flag, configs.Var(key)), err}
}

// startProblem is err in other words.
type startProblem struct {
	text string
	err  error
}

func (p *startProblem) Error() string { return p.text }
func (p *startProblem) Unwrap() error { return p.err }

// baseURL is where a person on this machine finds what is served at addr.
func baseURL(addr net.Addr, tls bool) string {
	scheme := "http"
	if tls {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); err == nil && ip != nil && (ip.IsUnspecified() || ip.IsLoopback()) {
		host = "localhost"
		if ip.IsLoopback() && ip.To4() == nil || ip.IsLoopback() && !ip.Equal(net.IPv4(127, 0, 0, 1)) {
			host = ip.String()
		}
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// printAddresses tells where to go.
func printAddresses(w io.Writer, base, room string) {
	fmt.Fprintf(w, "home     %s/\ngo live  %s/stage/%s\nwatch    %s/watch/%s\n", base, base, room, base, room)
}

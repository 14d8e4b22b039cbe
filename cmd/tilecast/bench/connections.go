package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// idleConns is how many connections the contest leaves idle.
const idleConns = 19_000

// connections leaves 19,000 connections idle at a gateway, then lets 2,000 of them go and as many come, and
// looks at how it serves viewers all the while. What happens when none is left is a test of cmd/tilecast.
func connections(s settings) ([]row, error) {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return nil, err
	}
	if l.Cur < idleConns+200 {
		return nil, fmt.Errorf("this process may open %d files, and needs %d: raise the limit (ulimit -n)", l.Cur, idleConns+200)
	}
	base, halt, err := onAir(s)
	if err != nil {
		return nil, err
	}
	defer halt()
	addr := strings.Replace(strings.TrimPrefix(base, "http://"), "localhost", "127.0.0.1", 1)
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	leave := func(n int) error {
		for range n {
			c, err := idleConn(addr)
			if err != nil {
				return fmt.Errorf("connection %d: %w", len(open)+1, err)
			}
			open = append(open, c)
		}
		return nil
	}
	if err := leave(idleConns); err != nil {
		return nil, err
	}
	idle, err := slowest(base, 50)
	if err != nil {
		return nil, fmt.Errorf("with %d idle connections: %w", idleConns, err)
	}
	progress("%d idle connections: slowest of 50 playlists %v", idleConns, idle)
	for _, c := range open[:2000] {
		c.Close()
	}
	open = open[2000:]
	if err := leave(min(2000, int(l.Cur)-len(open)-100)); err != nil {
		return nil, err
	}
	full, err := slowest(base, 50)
	if err != nil {
		return nil, fmt.Errorf("while connections come and go: %w", err)
	}
	return []row{{
		fmt.Sprintf("slowest of 50 playlists, new connection each, with %d idle ones", idleConns),
		fmt.Sprintf("%.1f ms; %.1f ms as they come and go", idle.Seconds()*1e3, full.Seconds()*1e3), "", "", "serves on",
	}}, nil
}

// idleConn has had an answer and is idle.
func idleConn(addr string) (net.Conn, error) {
	c, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		return nil, err
	}
	c.SetDeadline(time.Now().Add(20 * time.Second))
	_, err = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
	if err == nil {
		var resp *http.Response
		if resp, err = http.ReadResponse(bufio.NewReaderSize(c, 512), nil); err == nil && resp.StatusCode != http.StatusOK {
			err = errors.New(resp.Status)
		}
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	c.SetDeadline(time.Time{})
	return c, nil
}

// slowest asks for a playlist n times, each over a new connection.
func slowest(base string, n int) (most time.Duration, err error) {
	for range n {
		t := &http.Transport{DisableKeepAlives: true}
		begin := time.Now()
		resp, err := (&http.Client{Transport: t, Timeout: 20 * time.Second}).Get(base + "/hls/bench/index.m3u8")
		if err != nil {
			return 0, err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			return 0, fmt.Errorf("%s, %w", resp.Status, err)
		}
		most = max(most, time.Since(begin))
	}
	return most, nil
}

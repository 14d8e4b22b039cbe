package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tilecast/cmd/tilecast/canned"
	"tilecast/origin"
)

// An origin, ours or a bare one, runs in a process of its own, so that what it costs can be told from what its
// viewers cost. It obeys lines on its standard input and answers each with a line of JSON.

// originReport is the answer to every command.
type originReport struct {
	Addr    string
	CPU     time.Duration // user and system, since the start
	Mallocs uint64        // since the start
	Heap    uint64        // in use; after "collect" without garbage
	Stack   uint64        // in use
	Parked  int64
	Served  int64
	Next    [2]string       // names of the part that comes next, of pictures and sound, and of its playlist query
	Fan     []time.Duration // of each "publish": until the write to the last of those who waited
}

// originJob is the child: ours, bare or least; h1 or h2.
func originJob(args []string) error {
	if len(args) != 2 {
		return errors.New("job origin: ours, bare or least; h1 or h2")
	}
	p, err := canned.New("low", time.Now().Add(-time.Minute), 2_500_000)
	if err != nil {
		return err
	}
	o := &originProcess{p: p, handler: p.Server}
	if args[0] != "ours" {
		o.bare = newBare(p)
		o.bare.least = args[0] == "least"
		o.handler = o.bare
	}
	for !p.Due().After(time.Now()) {
		if err := o.step(); err != nil {
			return err
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: http.HandlerFunc(o.timed)}
	if args[1] == "h2" {
		if srv.TLSConfig, err = benchTLS(); err != nil {
			return err
		}
		go srv.ServeTLS(ln, "", "")
	} else {
		go srv.Serve(ln)
	}
	o.report.Addr = ln.Addr().String()
	return o.obey()
}

// originProcess is the child's state.
type originProcess struct {
	p       *canned.Program
	bare    *bare
	handler http.Handler
	live    context.CancelFunc
	ran     sync.WaitGroup

	served atomic.Int64
	last   atomic.Int64 // when the last answer was written, ns since start
	report originReport
}

var started = time.Now()

// timed notes when answers are through.
func (o *originProcess) timed(w http.ResponseWriter, r *http.Request) {
	o.handler.ServeHTTP(w, r)
	o.last.Store(int64(time.Since(started)))
	o.served.Add(1)
}

func (o *originProcess) step() error {
	if o.bare == nil {
		return o.p.Step()
	}
	names, parts := make([]string, len(o.p.Streams)), make([]bareText, len(o.p.Streams))
	for k := range o.p.Streams {
		part := o.p.Part(k)
		names[k], parts[k] = partName(origin.Cursor{MSN: part.MSN, Part: part.Index}), newText(part.Data, partName(origin.Cursor{MSN: part.MSN, Part: part.Index}))
	}
	if err := o.p.Step(); err != nil {
		return err
	}
	o.bare.step(o.p, names, parts)
	return nil
}

// obey carries out commands until there are no more.
func (o *originProcess) obey() error {
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(o.now()); err != nil {
		return err
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		switch in.Text() {
		case "publish": // and wait until everybody who waited is served
			waiting := o.parked()
			want := o.served.Load() + waiting
			begin := time.Since(started)
			if err := o.step(); err != nil {
				return err
			}
			for o.served.Load() < want {
				time.Sleep(200 * time.Microsecond)
			}
			o.report.Fan = append(o.report.Fan, time.Duration(o.last.Load())-begin)
		case "collect":
			runtime.GC()
			runtime.GC()
		case "live":
			var ctx context.Context
			ctx, o.live = context.WithCancel(context.Background())
			o.ran.Go(func() { o.run(ctx) })
		case "look":
		default:
			return fmt.Errorf("unknown command %q", in.Text())
		}
		if err := out.Encode(o.now()); err != nil {
			return err
		}
	}
	if o.live != nil {
		o.live()
		o.ran.Wait()
	}
	return nil
}

// run publishes in real time.
func (o *originProcess) run(ctx context.Context) {
	for ctx.Err() == nil {
		t := time.NewTimer(time.Until(o.p.Due()))
		select {
		case <-t.C:
		case <-ctx.Done():
		}
		t.Stop()
		for ctx.Err() == nil && !o.p.Due().After(time.Now()) {
			if err := o.step(); err != nil {
				fmt.Fprintln(os.Stderr, "bench: job origin:", err)
				return
			}
		}
	}
}

func (o *originProcess) parked() int64 {
	if o.bare != nil {
		return o.bare.waiting.Load()
	}
	return o.p.Server.Stats().Parked
}

func (o *originProcess) now() originReport {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	r := &o.report
	r.CPU, r.Mallocs, r.Heap, r.Stack = cpuTime(), m.Mallocs, m.HeapAlloc, m.StackInuse
	r.Parked, r.Served = o.parked(), o.served.Load()
	next := o.p.Part(0)
	r.Next = [2]string{partName(origin.Cursor{MSN: next.MSN, Part: next.Index}), fmt.Sprintf("_HLS_msn=%d&_HLS_part=%d&_HLS_skip=v2", next.MSN, next.Index)}
	return *r
}

// originChild is the parent's end.
type originChild struct {
	cmd  *exec.Cmd
	in   *os.File
	read *json.Decoder
	addr string
}

// startOrigin starts a child on the first core, or on any where shared.
func startOrigin(kind, proto string, shared bool) (*originChild, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := []string{self, "job", "origin", kind, proto}
	if !shared {
		args = append([]string{"taskset", "-c", "0"}, args...)
	}
	read, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c := &originChild{cmd: exec.Command(args[0], args[1:]...), in: in}
	c.cmd.Stdin, c.cmd.Stderr = read, os.Stderr
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	err = c.cmd.Start()
	read.Close()
	if err != nil {
		in.Close()
		return nil, err
	}
	c.read = json.NewDecoder(out)
	first, err := c.next()
	if err != nil {
		c.stop()
		return nil, fmt.Errorf("%s did not start: %w", strings.Join(args, " "), err)
	}
	c.addr = first.Addr
	return c, nil
}

func (c *originChild) next() (r originReport, err error) { return r, c.read.Decode(&r) }

// do gives a command and waits for its answer.
func (c *originChild) do(command string) (r originReport, err error) {
	if _, err := c.in.WriteString(command + "\n"); err != nil {
		return r, err
	}
	return c.next()
}

func (c *originChild) stop() {
	c.in.Close()
	c.cmd.Wait()
}

// benchTLS is a certificate that nobody trusts.
func benchTLS() (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, nil
}

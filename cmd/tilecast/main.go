// Command tilecast turns a room of WebRTC broadcasters into one program that anyone can watch over LL-HLS.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the linker (see the Makefile).
var version = "devel"

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	go stopOnSignal(cancel)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// stopOnSignal asks for an orderly end at the first SIGINT or SIGTERM and makes one at
// the second. It lives as long as the process.
func stopOnSignal(cancel context.CancelFunc) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	<-signals
	cancel()
	sig := <-signals
	fmt.Fprintf(os.Stderr, "tilecast: stopped at once by %s\n", sig)
	os.Exit(exitFailed)
}

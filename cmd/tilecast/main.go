// Command tilecast turns a room of WebRTC broadcasters into one program that anyone can watch over LL-HLS.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"tilecast/compositor/codec"
)

// version is set by the linker (see the Makefile).
var version = "devel"

func main() {
	codec.ShareCores()
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go stopOnSignal(signals, cancel, os.Exit) // until the process ends
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// stopOnSignal asks for an orderly end at the first signal and makes an end at the second.
func stopOnSignal(signals <-chan os.Signal, cancel func(), exit func(code int)) {
	<-signals
	cancel()
	<-signals
	exit(exitFailed)
}

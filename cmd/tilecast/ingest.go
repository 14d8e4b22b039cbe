package main

import (
	"fmt"
	"log/slog"

	"tilecast/configs"
	"tilecast/ingest"
)

// ingestConfig says what a person wrote in the words of the stage. The configuration has been checked.
func ingestConfig(cfg configs.Config, log *slog.Logger) (ingest.Config, error) {
	in := cfg.Ingest
	out := ingest.Config{
		UDPPort: cfg.UDP.Port, TCPPort: in.TCPPort, NoIPv6: !in.IPv6, Interfaces: in.Interfaces,
		Strict: in.Strict, Overflow: in.Overflow, Jitter: jitter(cfg), Log: log,
		Limits: ingest.Limits{
			Sessions: in.Limits.Sessions, SessionsPerRoom: in.Limits.SessionsPerRoom,
			Offer: in.Limits.OfferBytes, Fragment: in.Limits.FragmentBytes, BitRate: int(in.Limits.BitRate), Pixels: in.Limits.MaxPixels,
			PostBurst: in.Limits.PostBurst, PostsPerMinute: in.Limits.PostsPerMinute,
		},
	}
	for _, s := range in.PublicAddresses {
		addr, err := configs.ParseAddrPort(s)
		if err != nil {
			return out, fmt.Errorf("ingest.public_addresses: %w", err)
		}
		out.Public = append(out.Public, addr)
	}
	for _, s := range in.TrustedProxies {
		prefix, err := configs.ParsePrefix(s)
		if err != nil {
			return out, fmt.Errorf("ingest.trusted_proxies: %w", err)
		}
		out.Limits.TrustedProxies = append(out.Limits.TrustedProxies, prefix)
	}
	for _, s := range in.ICEServers {
		out.ICEServers = append(out.ICEServers, ingest.ICEServer(s))
	}
	return out, nil
}

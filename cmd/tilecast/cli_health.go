package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tilecast/configs"
)

func healthcheckCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask the gateway on this machine whether it is well",
		Long:  "healthcheck asks /healthz of the gateway that the same flags, variables and file describe.\nIt ends with 0 when all is well and with 1 when not. Containers use it.",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load(cmd)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), 3*time.Second)
			defer cancel()
			if err := askHealth(ctx, cfg); err != nil {
				return failure{fmt.Errorf("not well: %w", err)}
			}
			return nil
		},
	}
	serveFlags(cmd)
	return cmd
}

// askHealth is nil when the gateway that cfg describes answers /healthz with 200.
func askHealth(ctx context.Context, cfg configs.Config) error {
	host, port, err := net.SplitHostPort(cfg.HTTP.Listen)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	url, transport := "http://"+net.JoinHostPort(host, port)+"/healthz", &http.Transport{}
	if cfg.HTTP.TLS() {
		url = "https" + url[len("http"):]
		if transport.TLSClientConfig, err = trust(cfg); err != nil {
			return err
		}
	}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", url, resp.Status)
	}
	return nil
}

// trust takes the certificate that the gateway on this machine is told to have, whatever the address says.
func trust(cfg configs.Config) (*tls.Config, error) {
	if cfg.HTTP.ACME != "" {
		return &tls.Config{ServerName: cfg.HTTP.ACMENames()[0]}, nil
	}
	path := cfg.HTTP.TLSCert
	if path == "" {
		path = certificateFile(cfg.Data)
	}
	text, err := configs.ReadFile(path, configs.MaxText)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("certificate: %s is not PEM", path)
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("certificate: %s: %w", path, err)
	}
	t := &tls.Config{RootCAs: x509.NewCertPool()}
	t.RootCAs.AddCert(leaf)
	switch {
	case len(leaf.DNSNames) > 0:
		t.ServerName = strings.Replace(leaf.DNSNames[0], "*", "any", 1)
	case len(leaf.IPAddresses) > 0:
		t.ServerName = leaf.IPAddresses[0].String()
	}
	return t, nil
}

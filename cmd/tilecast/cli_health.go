package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
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
	if cfg.HTTP.TLSDev {
		pem, err := os.ReadFile(certificateFile(cfg.Data))
		if err != nil {
			return fmt.Errorf("development certificate: %w", err)
		}
		url = "https" + url[len("http"):]
		transport.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "localhost"}
		transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem)
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

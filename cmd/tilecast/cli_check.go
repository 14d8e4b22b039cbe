package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"tilecast/origin/lint"
)

func checkCommand() *cobra.Command {
	var (
		watch             time.Duration
		asJSON, unchecked bool
		cdn               bool
	)
	cmd := &cobra.Command{
		Use:   "check URL",
		Short: "Hold an LL-HLS stream, ours or any other, against the rules",
		Long: "check watches a stream as a player would and tells every rule of LL-HLS that it breaks, with the section of\n" +
			"draft-pantos-hls-rfc8216bis and what was seen. URL is that of a multivariant playlist, or of a media playlist.\n" +
			"It ends with 0 when there is no error, 1 when there are some, 2 when the stream could not be checked.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("check: name one playlist (tilecast check URL), got %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if watch <= 0 {
				return fmt.Errorf("--for: %v is no time to watch: use a minute or so", watch)
			}
			transport := http.DefaultTransport.(*http.Transport).Clone()
			transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: unchecked}
			transport.MaxIdleConnsPerHost = 64
			defer transport.CloseIdleConnections()
			rep, err := lint.Run(cmd.Context(), lint.Config{URL: args[0], For: watch, CDN: cdn, Client: &http.Client{Transport: transport}})
			if err != nil {
				return fmt.Errorf("check: %w", err)
			}
			if err := writeReport(cmd, rep, asJSON); err != nil {
				return fmt.Errorf("check: %w", err)
			}
			if n := rep.Count(lint.Error); n > 0 {
				return failure{fmt.Errorf("check: %d of the rules are broken", n)}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.DurationVar(&watch, "for", time.Minute, "how long to watch, as `TIME` like 30s or 5m")
	f.BoolVar(&cdn, "cdn", false, "ask what a CDN in front should do, too: collapse, key by _HLS_*, expire, send Age")
	f.BoolVar(&asJSON, "json", false, "write the report as JSON")
	f.BoolVar(&unchecked, "insecure", false, "accept any TLS certificate")
	return cmd
}

func writeReport(cmd *cobra.Command, rep *lint.Report, asJSON bool) error {
	if !asJSON {
		return rep.WriteText(cmd.OutOrStdout())
	}
	enc := json.NewEncoder(cmd.OutOrStdout())
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(rep)
}

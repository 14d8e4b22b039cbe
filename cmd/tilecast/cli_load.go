package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	viewers "tilecast/cmd/tilecast/load"
)

func loadCommand() *cobra.Command {
	var (
		cfg    viewers.Config
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "load --viewers N URL",
		Short: "Play an LL-HLS stream as many viewers at once",
		Long: "load plays a stream as N viewers do: blocking reloads as deltas, every hinted part, pictures and sound. It tells how\n" +
			"many parts came within one part target of the first viewer's, how far viewers are apart and behind live, and what\n" +
			"stalled. It ends with 0 when everybody was served, 1 when not, 2 when nothing could be played.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("load: name one playlist (tilecast load --viewers N URL), got %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg.URL, cfg.Files = args[0], openFiles()
			rep, err := viewers.Run(cmd.Context(), cfg)
			if err != nil {
				return fmt.Errorf("load: %w", err)
			}
			if asJSON {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetEscapeHTML(false)
				enc.SetIndent("", "  ")
				err = enc.Encode(rep)
			} else {
				err = rep.WriteText(cmd.OutOrStdout())
			}
			if err != nil {
				return fmt.Errorf("load: %w", err)
			}
			if !rep.Good() {
				return failure{fmt.Errorf("load: %d of %d viewers were served in time, with %d stalls and %d kinds of error",
					rep.Served.Viewers, rep.Viewers, rep.Stalls.Count, len(rep.Errors))}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.IntVar(&cfg.Viewers, "viewers", 100, "how many, `N`")
	f.DurationVar(&cfg.For, "for", 30*time.Second, "how long to measure once all have joined, as `TIME` like 30s or 5m")
	f.DurationVar(&cfg.Ramp, "ramp", 0, "`TIME` in which they join (default a second for each hundred)")
	f.BoolVar(&cfg.Spread, "spread", false, "share the viewers among all variants; else all take the highest")
	f.BoolVar(&asJSON, "json", false, "write the report as JSON")
	f.BoolVar(&cfg.Insecure, "insecure", false, "accept any TLS certificate")
	f.BoolVar(&cfg.HTTP1, "http1", false, "HTTP/1.1 also where HTTP/2 is offered")
	f.BoolVar(&cfg.H2C, "h2c", false, "HTTP/2 without TLS")
	return cmd
}

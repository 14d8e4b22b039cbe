package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tilecast/configs"
)

// What the process ends with.
const (
	exitOK     = 0
	exitFailed = 1 // it ran, and failed; or a file that validate looked at has mistakes
	exitUsage  = 2 // it never got to run: flags, configuration, a port in use
)

// failure is an error of a gateway that was up. Any other error is one of starting it.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// run is the whole program: it carries out args and answers with the exit code.
// Cancelling ctx is the wish for an orderly end.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cmd := rootCommand()
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	tell(stderr, err)
	if errors.As(err, new(failure)) {
		return exitFailed
	}
	return exitUsage
}

// tell prints err, a line for each problem. Those of a file begin with its name, as compilers have it.
func tell(w io.Writer, err error) {
	var mistakes configs.Mistakes
	if !errors.As(err, &mistakes) {
		for line := range strings.Lines(err.Error()) {
			fmt.Fprintln(w, "tilecast:", strings.TrimSpace(line))
		}
		return
	}
	for _, m := range mistakes {
		if m.File == "" {
			fmt.Fprint(w, "tilecast: ")
		}
		fmt.Fprintln(w, m)
	}
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "tilecast",
		Short:         "WebRTC broadcasters in, one LL-HLS program out",
		Long:          "tilecast turns a room of WebRTC broadcasters into one program that anyone can watch over LL-HLS.\nWithout a command it serves.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return start(cmd, serveOptions{})
		},
	}
	serveFlags(root)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(flagProblem)
	root.SetHelpCommand(helpCommand())
	root.AddCommand(serveCommand(), demoCommand(), validateCommand(), previewCommand(), healthcheckCommand(), loadCommand(), checkCommand(), versionCommand())
	return root
}

func serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the gateway",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return start(cmd, serveOptions{})
		},
	}
	serveFlags(cmd)
	return cmd
}

func demoCommand() *cobra.Command {
	var n int
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run the gateway with synthetic broadcasters in its first room",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if n < 1 || n > 9 {
				return fmt.Errorf("--broadcasters: %d is out of range: use 1 to 9", n)
			}
			return start(cmd, serveOptions{Broadcasters: n})
		},
	}
	serveFlags(cmd)
	cmd.Flags().IntVar(&n, "broadcasters", 4, "how many, `N` from 1 to 9")
	return cmd
}

func validateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "validate FILE",
		Short: "Find every mistake of a configuration file",
		Long:  "validate reads a configuration file and tells every mistake with its line.\nIt ends with 0 when there is none, 1 when there are some, 2 when the file can't be read.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("validate: name one file (tilecast validate FILE), got %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			_, err := configs.ParseFile(args[0])
			if errors.As(err, new(configs.Mistakes)) {
				return failure{err}
			} else if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is right\n", args[0])
			return nil
		},
	}
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which version this is",
		Args:  noArguments,
		Run: func(cmd *cobra.Command, _ []string) {
			fmt.Fprintf(cmd.OutOrStdout(), "tilecast %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		},
	}
}

// serveFlags gives cmd the flags that say what to serve and where.
func serveFlags(cmd *cobra.Command) {
	def, f := configs.Default(), cmd.Flags()
	f.SortFlags = false
	f.String("config", "", "configuration `FILE` ("+configs.FileVar+")")
	f.String("http", "", fmt.Sprintf("`ADDR` of pages, WHIP and playlists (%s; default %q)", configs.Var("http.listen"), def.HTTP.Listen))
	f.String("udp", "", fmt.Sprintf("UDP `PORT` of all broadcasters (%s; default %d)", configs.Var("udp.port"), def.UDP.Port))
	f.String("data", "", fmt.Sprintf("`DIR` for what is kept between runs (%s; default %q)", configs.Var("data"), def.Data))
	f.Bool("tls-dev", false, fmt.Sprintf("HTTPS and HTTP/2 with a certificate of our own (%s)", configs.Var("http.tls_dev")))
}

// load reads the configuration that cmd's flags, the environment and the file make.
func load(cmd *cobra.Command) (configs.Config, error) {
	f := cmd.Flags()
	src := configs.Source{Flags: map[string]*pflag.Flag{
		"http.listen":  f.Lookup("http"),
		"http.tls_dev": f.Lookup("tls-dev"),
		"udp.port":     f.Lookup("udp"),
		"data":         f.Lookup("data"),
	}}
	src.File = configFile(cmd)
	cfg, warnings, err := configs.Load(src)
	for _, w := range warnings {
		fmt.Fprintf(cmd.ErrOrStderr(), "tilecast: warning: %s\n", w)
	}
	return cfg, err
}

// configFile is the file that cmd's flag or the environment names; empty: none.
func configFile(cmd *cobra.Command) string {
	if file := cmd.Flags().Lookup("config").Value.String(); file != "" {
		return file
	}
	return os.Getenv(configs.FileVar)
}

// start serves what cmd's configuration says until its context ends.
func start(cmd *cobra.Command, opt serveOptions) error {
	cfg, err := load(cmd)
	if err != nil {
		return err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Log.Level)); err != nil {
		return fmt.Errorf("log.level: %w", err)
	}
	opt.Log = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
	opt.Out = cmd.OutOrStdout()
	opt.File, opt.Reload = configFile(cmd), func() (configs.Config, error) { return load(cmd) }
	return serve(cmd.Context(), cfg, opt)
}

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// builtIn is the folder of the binary that the tests of the command line run.
var builtIn string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "tilecast-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	builtIn = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// build makes the binary, once for all tests that want it.
var build = sync.OnceValues(func() (string, error) {
	path := filepath.Join(builtIn, "tilecast")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// tilecast prepares a run of the binary in an empty folder, without variables of ours.
func tilecast(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // it must fail, not hang
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = t.TempDir()
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "TILECAST_") {
			cmd.Env = append(cmd.Env, pair)
		}
	}
	return cmd
}

// result runs cmd to its end.
func result(t *testing.T, cmd *exec.Cmd) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if ee := new(exec.ExitError); err != nil && !errors.As(err, &ee) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func TestUsageMistakesAreOneLine(t *testing.T) {
	for args, want := range map[string]string{
		"sevre":                     `unknown command "sevre", did you mean "serve"?`,
		"--tls-dev vlaidate x":      `unknown command "vlaidate", did you mean "validate"?`,
		"dance":                     `unknown command "dance"; there are check, demo, healthcheck, help, load, preview, serve, validate, version`,
		"help sevre":                `unknown command "sevre", did you mean "serve"?`,
		"--htp :1":                  `unknown flag --htp, did you mean --http?`,
		"serve --tls_dve":           `unknown flag --tls_dve, did you mean --tls-dev?`,
		"demo --broadcaster 2":      `unknown flag --broadcaster, did you mean --broadcasters?`,
		"serve --zzz":               `unknown flag --zzz (see tilecast serve --help)`,
		"-z":                        `unknown flag -z`,
		"--http":                    `--http: needs a value: --http ADDR`,
		"demo --broadcasters 0":     `--broadcasters: 0 is out of range: use 1 to 9`,
		"demo --broadcasters 10":    `--broadcasters: 10 is out of range: use 1 to 9`,
		"demo --broadcasters -1":    `--broadcasters: -1 is out of range: use 1 to 9`,
		"demo --broadcasters four":  `--broadcasters: "four" is not a whole number`,
		"serve --tls-dev=perhaps":   `--tls-dev: "perhaps" is not true or false`,
		"serve now":                 `serve: takes flags only, got "now"`,
		"validate":                  `validate: name one file (tilecast validate FILE), got 0`,
		"validate a b":              `validate: name one file (tilecast validate FILE), got 2`,
		"validate nowhere.yaml":     `nowhere.yaml: no such file`,
		"--config nowhere.yaml":     `nowhere.yaml: no such file`,
		"serve --config .":          `.: is a directory`,
		"serve --http 8080":         `--http: "8080" lacks a colon: did you mean ":8080"?`,
		"--udp 65536":               `--udp: 65536 is out of range: use 0 to 65535`,
		"demo --udp x":              `--udp: "x" is not a whole number`,
		"serve --http 192.0.2.1:80": `http.listen: 192.0.2.1:80 is not an address of this machine; choose another with --http ADDR or TILECAST_HTTP_LISTEN`,
	} {
		stdout, stderr, code := result(t, tilecast(t, strings.Fields(args)...))
		if want = "tilecast: " + want + "\n"; stderr != want || stdout != "" || code != exitUsage {
			t.Errorf("tilecast %s: exit code %d\n got %s%s\nwant %s", args, code, stdout, stderr, want)
		}
	}
}

func TestPortInUseIsNamed(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.Addr().String()
	_, stderr, code := result(t, tilecast(t, "--http", addr, "--udp", "0"))
	want := "tilecast: http.listen: " + addr + " is in use by another program; choose another with --http ADDR or TILECAST_HTTP_LISTEN\n"
	if stderr != want || code != exitUsage {
		t.Errorf("exit code %d\n got %s\nwant %s", code, stderr, want)
	}
}

func TestUDPPortInUseIsNamed(t *testing.T) {
	taken, err := net.ListenPacket("udp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, err := net.SplitHostPort(taken.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	_, stderr, code := result(t, tilecast(t, "--http", "127.0.0.1:0", "--udp", port))
	if strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, port) || !strings.Contains(stderr, "in use") || code != exitUsage {
		t.Errorf("exit code %d, %q: want one line that says that port %s is in use", code, stderr, port)
	}
}

func TestValidate(t *testing.T) {
	shipped, err := filepath.Abs(filepath.Join("..", "..", "configs", "tilecast.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if stdout, stderr, code := result(t, tilecast(t, "validate", shipped)); stdout != shipped+" is right\n" || stderr != "" || code != exitOK {
		t.Errorf("shipped file: exit code %d\n%s%s", code, stdout, stderr)
	}
	cmd := tilecast(t, "validate", "wrong.yaml")
	text := "http:\n  listen: :8080\nrooms:\n  - name: hall\n    layot: {gap: 4}\n    preset: ulta\n"
	if err := os.WriteFile(filepath.Join(cmd.Dir, "wrong.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	want := `wrong.yaml:5: rooms[0].layot: unknown key, did you mean "layout"?
wrong.yaml:6: rooms[0].preset: "ulta" is not known, did you mean "ultra"?
`
	stdout, stderr, code := result(t, cmd)
	if stdout != "" || stderr != want || code != exitFailed {
		t.Errorf("exit code %d\n got %s%s\nwant %s", code, stdout, stderr, want)
	}
	serve := tilecast(t, "--config", filepath.Join(cmd.Dir, "wrong.yaml"))
	serve.Env = append(serve.Env, "TILECAST_UDP_PORT=many", "TILECAST_ELSEWHERE=1")
	_, stderr, code = result(t, serve)
	lines := strings.Split(stderr, "\n")
	if code != exitUsage || len(lines) != 5 ||
		!strings.HasPrefix(lines[0], "tilecast: warning: TILECAST_ELSEWHERE: unknown variable") ||
		lines[1] != `tilecast: TILECAST_UDP_PORT: "many" is not a whole number` || !strings.HasSuffix(lines[3], `did you mean "ultra"?`) {
		t.Errorf("serve: exit code %d\n%s", code, stderr)
	}
}

func TestVersionAndHelp(t *testing.T) {
	for args, want := range map[string]string{
		"version":     `^tilecast \S+ \(go1\.\S+, linux/\w+\)\n$`,
		"--help":      `(?s)^tilecast turns .*--tls-dev .*\n$`,
		"help demo":   `(?s)--broadcasters N `,
		"demo --help": `(?s)--broadcasters N `,
	} {
		stdout, stderr, code := result(t, tilecast(t, strings.Fields(args)...))
		if !regexp.MustCompile(want).MatchString(stdout) || stderr != "" || code != exitOK {
			t.Errorf("tilecast %s: exit code %d\n%s%s", args, code, stdout, stderr)
		}
	}
}

// up starts the gateway and answers with its base URL once it has told it.
func up(t *testing.T, cmd *exec.Cmd, stderr ...io.Writer) (base string, told *bufio.Reader) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = io.MultiWriter(append(stderr, os.Stderr)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	told = bufio.NewReader(out)
	line, err := told.ReadString('\n')
	base, ok := strings.CutSuffix(strings.TrimPrefix(line, "home     "), "/\n")
	if err != nil || !ok {
		t.Fatalf("told %q, %v", line, err)
	}
	return base, told
}

func TestServeTellsItsAddressesAndEndsInOrder(t *testing.T) {
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
		cmd := tilecast(t, "--http", ":0", "--udp", "0")
		base, told := up(t, cmd)
		if !regexp.MustCompile(`^http://localhost:\d+$`).MatchString(base) {
			t.Errorf("home is %q", base)
		}
		port := base[strings.LastIndexByte(base, ':'):]
		for _, args := range [][]string{{"healthcheck", "--http", port}, {"healthcheck", "--http", "127.0.0.1" + port}} {
			if _, stderr, code := result(t, tilecast(t, args...)); code != exitOK {
				t.Errorf("%q: exit code %d, %s", args, code, stderr)
			}
		}
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(told)
		if want := fmt.Sprintf("go live  %s/stage/demo\nwatch    %s/watch/demo\n", base, base); err != nil || string(rest) != want {
			t.Errorf("told %q, %v, want %q", rest, err, want)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", sig, err)
		}
		_, stderr, code := result(t, tilecast(t, "healthcheck", "--http", port))
		if code != exitFailed || strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "tilecast: not well: ") {
			t.Errorf("healthcheck of nobody: exit code %d, %q", code, stderr)
		}
	}
}

func TestServeOverTLS(t *testing.T) {
	cmd := tilecast(t, "serve", "--http", "127.0.0.1:0", "--udp", "0", "--tls-dev", "--data", "kept")
	base, _ := up(t, cmd)
	if !strings.HasPrefix(base, "https://localhost:") {
		t.Errorf("home is %q", base)
	}
	ask := tilecast(t, "healthcheck", "--http", strings.TrimPrefix(base, "https://"), "--tls-dev", "--data", filepath.Join(cmd.Dir, "kept"))
	if _, stderr, code := result(t, ask); code != exitOK {
		t.Errorf("healthcheck: exit code %d, %s", code, stderr)
	}
	if _, stderr, code := result(t, tilecast(t, "healthcheck", "--http", strings.TrimPrefix(base, "https://"))); code != exitFailed {
		t.Errorf("healthcheck without TLS: exit code %d, %s", code, stderr)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func TestBaseURL(t *testing.T) {
	for addr, want := range map[string]string{
		"[::]:8080":      "http://localhost:8080",
		"0.0.0.0:80":     "http://localhost:80",
		"127.0.0.1:1":    "http://localhost:1",
		"127.0.0.2:1":    "http://127.0.0.2:1",
		"[::1]:1":        "http://[::1]:1",
		"192.0.2.1:8080": "http://192.0.2.1:8080",
	} {
		tcp, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := baseURL(tcp, false); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	signals, cancelled, exited := make(chan os.Signal), make(chan bool), make(chan int)
	go stopOnSignal(signals, func() { close(cancelled) }, func(code int) { exited <- code })
	signals <- syscall.SIGTERM
	<-cancelled
	select {
	case code := <-exited:
		t.Fatalf("exit code %d after the first signal", code)
	case signals <- syscall.SIGTERM:
	}
	if code := <-exited; code != exitFailed {
		t.Errorf("exit code %d, want %d", code, exitFailed)
	}
}

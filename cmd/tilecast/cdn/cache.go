// Package cdn puts the caches of configs/ in front of an origin, each as a child process, and sends viewers through.
package cdn

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Kind is a cache that can be started.
type Kind string

// The caches of configs/.
const (
	Varnish Kind = "varnish"
	Nginx   Kind = "nginx"
)

// Cache is a running child process. Stop ends it.
type Cache struct {
	URL string // of its root, without a slash at the end

	cmd  *exec.Cmd
	over chan struct{} // closed when the process has ended
	log  string
}

// Start runs a cache with its file of the folder configs in front of origin, a host:port, with all that it writes
// below dir. It answers once the cache takes connections. The process dies with this one.
func Start(kind Kind, configs, dir, origin string) (*Cache, error) {
	program := map[Kind]string{Varnish: "varnishd", Nginx: "nginx"}[kind]
	path, err := find(program)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	var failed error
	for range 3 { // somebody else may take the free port first
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		c := &Cache{URL: "http://127.0.0.1:" + port, over: make(chan struct{}), log: filepath.Join(dir, program+".log")}
		prepare := map[Kind]func(configs, dir, port, origin string) ([]string, error){Varnish: varnish, Nginx: nginx}[kind]
		args, err := prepare(configs, dir, port, origin)
		if err != nil {
			return nil, err
		}
		if failed = c.run(path, args); failed == nil {
			return c, nil
		}
	}
	return nil, failed
}

// find looks where Debian puts daemons, too, which is not in everybody's PATH.
func find(program string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	if path := "/usr/sbin/" + program; exec.Command(path, "-V").Run() == nil {
		return path, nil
	}
	return "", fmt.Errorf("%s is not on this machine: scripts/setup test installs it", program)
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// varnish writes the VCL for this origin, and answers with the arguments that run it in the foreground.
func varnish(configs, dir, port, origin string) ([]string, error) {
	host, at, err := net.SplitHostPort(origin)
	if err != nil {
		return nil, err
	}
	vcl := filepath.Join(dir, "tilecast.vcl")
	err = adapt(filepath.Join(configs, "varnish.vcl"), vcl, [][2]string{
		{`.host = "127.0.0.1"`, `.host = "` + host + `"`}, {`.port = "8080"`, `.port = "` + at + `"`}})
	return []string{"-F", "-j", "none", "-n", filepath.Join(dir, "varnish"), "-a", "127.0.0.1:" + port, "-f", vcl, "-T", "none",
		"-s", "malloc,64m", "-s", "Transient=malloc,64m", "-p", "vsl_space=4M", "-p", "thread_pools=1"}, err
}

// nginx writes the file for this origin and one around it that stands for Debian's nginx.conf.
func nginx(configs, dir, port, origin string) ([]string, error) {
	site, main := filepath.Join(dir, "tilecast.conf"), filepath.Join(dir, "nginx.conf")
	err := adapt(filepath.Join(configs, "nginx.conf"), site, [][2]string{
		{"127.0.0.1:8080", origin}, {"listen 80;", "listen 127.0.0.1:" + port + ";"},
		{"/var/cache/nginx/tilecast", filepath.Join(dir, "cache")}})
	if err != nil {
		return nil, err
	}
	user := ""
	if os.Getuid() == 0 {
		user = "user root;"
	}
	text := fmt.Sprintf(`%s
daemon off;
worker_processes auto;
worker_rlimit_nofile 4096;
pid %[2]s/nginx.pid;
error_log stderr warn;
events { worker_connections 2048; }
http {
	access_log off;
	keepalive_requests 100000;
	client_body_temp_path %[2]s/body;
	proxy_temp_path %[2]s/proxy;
	fastcgi_temp_path %[2]s/fastcgi;
	uwsgi_temp_path %[2]s/uwsgi;
	scgi_temp_path %[2]s/scgi;
	include %[3]s;
}
`, user, dir, site)
	return []string{"-p", dir, "-c", main, "-e", "stderr"}, os.WriteFile(main, []byte(text), 0o600)
}

// adapt copies a file with replacements, each of which has to be there.
func adapt(from, to string, replace [][2]string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	text := string(b)
	for _, r := range replace {
		if !strings.Contains(text, r[0]) {
			return fmt.Errorf("%s: no %q in it", from, r[0])
		}
		text = strings.ReplaceAll(text, r[0], r[1])
	}
	return os.WriteFile(to, []byte(text), 0o600)
}

// run starts the process and waits until it listens.
func (c *Cache) run(path string, args []string) error {
	log, err := os.Create(c.log)
	if err != nil {
		return err
	}
	defer log.Close()
	c.cmd = exec.Command(path, args...)
	c.cmd.Stdout, c.cmd.Stderr = log, log
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := c.cmd.Start(); err != nil {
		return err
	}
	go func() { // ends with the process
		defer close(c.over)
		c.cmd.Wait()
	}()
	limit := time.After(30 * time.Second) // Varnish compiles its configuration first
	for {
		if conn, err := net.Dial("tcp", strings.TrimPrefix(c.URL, "http://")); err == nil {
			return conn.Close()
		}
		select {
		case <-c.over:
			return fmt.Errorf("%s ended at once:\n%s", filepath.Base(path), c.Log())
		case <-limit:
			c.Stop()
			return fmt.Errorf("%s does not listen after 30 s:\n%s", filepath.Base(path), c.Log())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Log is what the process has written.
func (c *Cache) Log() string {
	b, _ := os.ReadFile(c.log)
	return string(b)
}

// Stop ends the process, and waits until it has ended.
func (c *Cache) Stop() error {
	if err := c.cmd.Process.Signal(syscall.SIGTERM); errors.Is(err, os.ErrProcessDone) {
		return nil
	} else if err != nil {
		return err
	}
	select {
	case <-c.over:
		return nil
	case <-time.After(10 * time.Second):
		err := c.cmd.Process.Kill()
		<-c.over
		return errors.Join(errors.New("the process did not end by itself"), err)
	}
}

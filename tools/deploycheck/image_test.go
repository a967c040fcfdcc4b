package deploycheck

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

const containerfile = "deploy/container/Containerfile"

// image is the last stage of the Containerfile.
type image struct {
	entrypoint, command, health []string
	environment                 []string
	user                        string
	copies                      []*instructions.CopyCommand
}

func readImage(t *testing.T) (i image) {
	t.Helper()
	tree, err := parser.Parse(strings.NewReader(read(t, containerfile)))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range tree.Warnings {
		t.Errorf("%s: %s", containerfile, w.Short)
	}
	stages, _, err := instructions.Parse(tree.AST, nil)
	if err != nil {
		t.Fatal(err)
	}
	last := stages[len(stages)-1]
	if last.BaseName != "scratch" {
		t.Errorf("the image is made on %s, want nothing below it", last.BaseName)
	}
	for _, c := range last.Commands {
		switch c := c.(type) {
		case *instructions.CopyCommand:
			i.copies = append(i.copies, c)
		case *instructions.EnvCommand:
			for _, e := range c.Env {
				i.environment = append(i.environment, e.Key+"="+e.Value)
			}
		case *instructions.UserCommand:
			i.user = c.User
		case *instructions.EntrypointCommand:
			i.entrypoint = c.CmdLine
		case *instructions.CmdCommand:
			i.command = c.CmdLine
		case *instructions.HealthCheckCommand:
			i.health = c.Health.Test
		}
	}
	return i
}

// unpack makes the image's file system, with what its first stage would have
// made, and the folders that every container has.
func (i image) unpack(t *testing.T) (dir string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "toban-image-") // a test's own folder is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Chmod(dir, 0o755))
	must(os.Mkdir(filepath.Join(dir, "proc"), 0o755))
	made := map[string]string{
		"/out/toban": program(t), "/out/data": "", "/out/tmp": "", "/etc/ssl/certs/ca-certificates.crt": "/etc/ssl/certs/ca-certificates.crt",
	}
	for _, c := range i.copies {
		from, known := made[c.SourcePaths[0]]
		if !known || len(c.SourcePaths) != 1 {
			t.Fatalf("the image copies %v, of which this test does not know how it is made", c.SourcePaths)
		}
		to := filepath.Join(dir, c.DestPath)
		must(os.MkdirAll(filepath.Dir(to), 0o755))
		if from == "" {
			mode, err := strconv.ParseUint(c.Chmod, 8, 32)
			must(err)
			must(os.Mkdir(to, os.FileMode(mode)))
			uid, gid, _ := strings.Cut(c.Chown, ":")
			if os.Geteuid() == 0 {
				must(os.Chown(to, number(t, uid), number(t, gid)))
			}
			continue
		}
		body, err := os.ReadFile(from)
		must(err)
		must(os.WriteFile(to, body, 0o755))
	}
	return dir
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// inside is a command in the image's file system, as its user, with nothing but
// its environment.
func (i image) inside(dir string, args ...string) *exec.Cmd {
	uid, gid, _ := strings.Cut(i.user, ":")
	flags := []string{"--mount", "--pid", "--fork", "--kill-child", "--mount-proc=/proc", "--root=" + dir, "--wd=/"}
	if os.Geteuid() == 0 {
		flags = append(flags, "--setgid="+gid, "--setuid="+uid)
	} else {
		flags = append(flags, "--user", "--map-user="+uid, "--map-group="+gid)
	}
	cmd := exec.Command("unshare", append(append(flags, "--"), args...)...)
	cmd.Env = append([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, i.environment...)
	return cmd
}

// The image can't be built here. Its file system can be made and entered.
func TestTheImageServesAsANobodyAndSaysHowItDoes(t *testing.T) {
	t.Parallel()
	i := readImage(t)
	if uid, _, _ := strings.Cut(i.user, ":"); number(t, uid) == 0 {
		t.Fatal("the image runs as root")
	}
	dir := i.unpack(t)
	config := filepath.Join(dir, "config")
	if err := os.CopyFS(config, os.DirFS(filepath.Join(root, "deploy/compose/alone/config"))); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()

	var said bytes.Buffer
	args := append(append([]string{}, i.entrypoint...), i.command...)
	serve := i.inside(dir, append(args, "--listen", address)...) // the later one counts: 8080 may be taken here
	serve.Stdout, serve.Stderr = &said, &said
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- serve.Wait() }()
	defer func() { _ = serve.Process.Kill() }()

	if len(i.health) < 2 || i.health[0] != "CMD" {
		t.Fatalf("the health check is %v, want a command without a shell: there is none", i.health)
	}
	deadline := time.Now().Add(60 * time.Second)
	for {
		out, err := i.inside(dir, i.health[1:]...).CombinedOutput()
		if err == nil {
			t.Logf("%s", out)
			break
		}
		select {
		case err := <-ended:
			t.Fatalf("it ended: %v\n%s", err, &said)
		case <-time.After(200 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("it is not healthy: %v: %s\n%s", err, out, &said)
		}
	}
	res, err := http.Get("http://" + address + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("/readyz: got %s, want 200", res.Status)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(200 * time.Millisecond) { // the child process runs there too
		if _, err := os.Stat(filepath.Join(dir, "data/toban/metrics.sock")); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Error("the embedded Prometheus did not start")
			break
		}
	}
	stop(t, serve.Process.Pid)
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("after SIGTERM: %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("SIGTERM did not end it within 20 s")
	}
	if t.Failed() {
		t.Logf("%s", &said)
	}
}

// stop asks the program that unshare has started to end.
func stop(t *testing.T, pid int) {
	t.Helper()
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, child := range strings.Fields(string(children)) {
		if err := syscall.Kill(number(t, child), syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBothNamesOfTheIgnoreFileSayTheSame(t *testing.T) {
	t.Parallel()
	if a, b := read(t, containerfile+".dockerignore"), read(t, ".containerignore"); a != b {
		t.Errorf("BuildKit's file is\n%s\nPodman's\n%s", a, b)
	}
}

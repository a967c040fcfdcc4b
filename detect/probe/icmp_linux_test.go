package probe

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// inNamespace says to the child what it may do there.
const inNamespace = "PROBE_TEST_ICMP"

// TestPingTakesTheWayTheSystemAllows runs itself in networks of its own, in
// which the system allows one way, the other, or none.
func TestPingTakesTheWayTheSystemAllows(t *testing.T) {
	t.Parallel()
	if way := os.Getenv(inNamespace); way != "" {
		pingInNamespace(t, way)
		return
	}
	for _, way := range []string{"unprivileged", "raw", "none"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			inside := 0
			if way == "none" {
				inside = 1000 // whoever is not root there loses every capability when the program begins
			}
			cmd := exec.Command(os.Args[0], "-test.run=^TestPingTakesTheWayTheSystemAllows$", "-test.v")
			cmd.Env = append(os.Environ(), inNamespace+"="+way)
			cmd.SysProcAttr = &syscall.SysProcAttr{
				Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
				UidMappings: []syscall.SysProcIDMap{{ContainerID: inside, HostID: os.Getuid(), Size: 1}},
				GidMappings: []syscall.SysProcIDMap{{ContainerID: inside, HostID: os.Getgid(), Size: 1}},
				Pdeathsig:   syscall.SIGKILL,
			}
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			err := cmd.Start()
			if err != nil {
				// A system that gives no namespaces: then this process' own way is
				// all there is, and it has to work or to say what is missing.
				t.Logf("no namespace: %v", err)
				if r := ask(t, DefaultICMP().Checker(nearby()), "127.0.0.1"); mayPing(t, r) {
					wantUp(t, r)
				}
				return
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("got %v, want that it goes well there:\n%s", err, out.String())
			} else if !strings.Contains(out.String(), "--- PASS") {
				t.Errorf("got %s, want that the test ran", out.String())
			}
		})
	}
}

func pingInNamespace(t *testing.T, way string) {
	if way == "none" {
		r := ask(t, DefaultICMP().Checker(nearby()), "127.0.0.1")
		wantDown(t, r, ReasonPermission, "net.ipv4.ping_group_range", "CAP_NET_RAW")
		return
	}
	if err := raiseLoopback(); err != nil {
		t.Fatal(err)
	}
	if way == "unprivileged" {
		if err := os.WriteFile("/proc/sys/net/ipv4/ping_group_range", []byte("0 0"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, target := range []string{"127.0.0.1", "::1"} {
		for _, s := range []ICMPSettings{DefaultICMP(), {IPProtocolFallback: true, DontFragment: true, PayloadSize: 1200}, {IPProtocolFallback: true, PayloadSize: 9000}} {
			r := ask(t, s.Checker(nearby()), target)
			wantUp(t, r)
			wantSample(t, r, "probe_icmp_reply_hop_limit", 64)
			article := map[string]string{"unprivileged": "an unprivileged socket", "raw": "a raw socket"}[way]
			if got := strings.Join(r.Evidence.Tried, "\n"); !strings.Contains(got, article) {
				t.Errorf("%s: got %q, want %q", target, got, article)
			}
		}
	}
	large := ICMPSettings{IPProtocolFallback: true, DontFragment: true, PayloadSize: 9000}
	wantDown(t, ask(t, large.Checker(nearby()), "127.0.0.1"), ReasonUnreached, "too large")
	wantDown(t, ask(t, DefaultICMP().Checker(nearby()), "192.0.2.1"), ReasonUnreached, "no way")
}

// raiseLoopback brings up the loopback of a new network namespace, with frames
// as an Ethernet has them.
func raiseLoopback() error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	for _, set := range []struct {
		what  uintptr
		value uint32
	}{{syscall.SIOCSIFMTU, 1500}, {syscall.SIOCSIFFLAGS, syscall.IFF_UP | syscall.IFF_RUNNING}} {
		request := struct {
			name  [16]byte
			value uint32
			_     [20]byte
		}{value: set.value}
		copy(request.name[:], "lo")
		if _, _, number := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), set.what, uintptr(unsafe.Pointer(&request))); number != 0 {
			return os.NewSyscallError("ioctl", number)
		}
	}
	return nil
}

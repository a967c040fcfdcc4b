package e2e

import (
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"toban/e2e/harness"
)

// On a full disk signals are refused with what their senders repeat on, those
// accepted before stay, and when there is room again toban goes on by itself. So
// it does where its files may not grow.
func TestAFullDiskRefusesAndLosesNothing(t *testing.T) {
	t.Parallel()
	if os.Getuid() == 0 {
		t.Run("no room", func(t *testing.T) {
			t.Parallel()
			small := newDisk(t)
			fullDisk(t, small.dir, small.fill, small.free)
		})
	}
	t.Run("no larger files", func(t *testing.T) {
		t.Parallel()
		fullDisk(t, t.TempDir(), func(t *testing.T, toban *harness.Toban) {
			const most = 64 << 10 // smaller than every file of the store by then
			limitFiles(t, toban.PID(), most)
		}, func(t *testing.T, toban *harness.Toban) { limitFiles(t, toban.PID(), math.MaxUint64) })
	})
}

// fullDisk runs toban in a folder that fill leaves without room, and free gives
// it back.
func fullDisk(t *testing.T, dir string, fill, free func(*testing.T, *harness.Toban)) {
	toban := harness.New(t, "sqlite", small)
	environment(toban)
	toban.Data = dir
	toban.Start()
	accepted := 0
	say := func() (status int) {
		t.Helper()
		status, code, err := post(toban, map[string]string{"key": fmt.Sprintf("problem %d", accepted), "summary": fmt.Sprintf("problem %d %s", accepted, strings.Repeat("x", 900))})
		switch {
		case err != nil:
			t.Fatalf("after %d signals: %v", accepted, err)
		case code == "intake.rate":
			t.Fatalf("after %d signals the test is over its own rate", accepted)
		case status == http.StatusAccepted:
			accepted++
		}
		return status
	}
	for accepted < 100 {
		if status := say(); status != http.StatusAccepted {
			t.Fatalf("got status %d for signal %d while there is room, want 202", status, accepted)
		}
	}
	fill(t, toban)
	refused := 0
	for deadline := time.Now().Add(20 * time.Second); refused < 5 && time.Now().Before(deadline); {
		switch status := say(); status {
		case http.StatusAccepted:
			refused = 0 // what was reserved is used up first
		case http.StatusServiceUnavailable:
			refused++
		default:
			t.Fatalf("got status %d without room, want 503", status)
		}
	}
	if refused < 5 {
		t.Fatalf("%d signals were accepted without room, want 503 in the end", accepted-100)
	}
	if toban.Over() {
		t.Fatal("toban ended because there was no room")
	}
	free(t, toban)
	freed, before := time.Now(), accepted
	for accepted == before && time.Since(freed) < 10*time.Second {
		say()
	}
	if accepted == before {
		t.Errorf("no signal was accepted within %s after there was room again", time.Since(freed))
	}
	toban.Kill()
	toban.Start()
	allThere(t, toban, accepted)
}

// allThere checks that the problems 0 to n-1 have incidents.
func allThere(t *testing.T, toban *harness.Toban, n int) {
	t.Helper()
	list, err := toban.Incidents(t.Context(), "all")
	if err != nil {
		t.Fatal(err)
	}
	titles := map[string]bool{}
	for _, inc := range list {
		words := strings.Fields(inc.Title)
		titles[strings.Join(words[:min(2, len(words))], " ")] = true
	}
	for i := range n {
		if title := fmt.Sprintf("problem %d", i); !titles[title] {
			t.Errorf("%s was accepted and is not there", title)
		}
	}
}

// limitFiles sets the largest size of the files that a process may write.
func limitFiles(t *testing.T, pid int, most uint64) {
	t.Helper()
	const fileSize = 1 // RLIMIT_FSIZE
	limit := syscall.Rlimit{Cur: most, Max: math.MaxUint64}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), fileSize, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if errno != 0 {
		t.Fatalf("limit the size of files: %v", errno)
	}
}

// disk is a small file system of its own.
type disk struct{ dir string }

func newDisk(t *testing.T) disk {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=96m,mode=700"); err != nil {
		t.Fatalf("mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return disk{dir}
}

func (d disk) filler() string { return filepath.Join(d.dir, "filler") }

// fill leaves no room.
func (d disk) fill(t *testing.T, _ *harness.Toban) {
	t.Helper()
	f, err := os.Create(d.filler())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 64<<10); err == nil; {
		_, err = f.Write(block)
	}
}

func (d disk) free(t *testing.T, _ *harness.Toban) {
	t.Helper()
	if err := os.Remove(d.filler()); err != nil {
		t.Fatal(err)
	}
}

package child_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"toban/internal/child"
)

// part says which part this program plays when a test has started it.
const part = "TOBAN_TEST_PART"

func TestMain(m *testing.M) {
	switch os.Getenv(part) {
	case "":
		os.Exit(m.Run())
	case "good": // works until its input ends
		fmt.Println("replaying 1/2")
		fmt.Println("ready")
		fmt.Fprintln(os.Stderr, "level=INFO msg=everyday")
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "obedient": // works until it is told to end, whatever its input does
		term := make(chan os.Signal, 1)
		signal.Notify(term, syscall.SIGTERM)
		fmt.Println("ready")
		<-term
	case "deaf": // hears nothing
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("ready")
		for {
			_ = syscall.Pause()
		}
	case "asked": // answers what it is asked
		fmt.Fprintln(os.Stderr, "a secret is never here")
		text, _ := io.ReadAll(os.Stdin)
		fmt.Printf("heard %s", text)
		os.Exit(3)
	case "endless": // never ends its answer
		for {
			if _, err := fmt.Println(strings.Repeat("y", 1000)); err != nil {
				os.Exit(1)
			}
		}
	case "broken": // ends at once
		fmt.Fprintln(os.Stderr, `level=ERROR msg="the data folder is locked"`)
		os.Exit(3)
	case "slow": // never gets ready
		fmt.Println("replaying 1/100")
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "chatty": // says a lot, then dies as a program of Go does
		fmt.Fprintln(os.Stderr, "fatal error: concurrent map writes")
		out := bufio.NewWriter(os.Stderr)
		for i := range 5000 {
			fmt.Fprintf(out, "goroutine %d [running]: %s\n", i, strings.Repeat("x", 100))
		}
		fmt.Fprintln(out, strings.Repeat("y", 100_000))
		_ = out.Flush()
		os.Exit(2)
	case "greedy": // dies of its want of memory
		fmt.Fprintln(os.Stderr, "fatal error: runtime: cannot allocate memory")
		fmt.Fprintln(os.Stderr, "goroutine 1 [running]:")
		os.Exit(2)
	case "signalled": // says which signal it was sent
		hup := make(chan os.Signal, 1)
		signal.Notify(hup, syscall.SIGHUP)
		fmt.Println("ready")
		<-hup
		fmt.Fprintln(os.Stderr, "reloaded")
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "parent": // has a deaf child, and tells its id
		c := child.New(options(nil, "deaf"))
		c.OnReady(func() { fmt.Println(c.State().PID) })
		_ = c.Run(background())
	}
}

// relative runs this program in another part.
func relative(as string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), part+"="+as)
	return cmd
}

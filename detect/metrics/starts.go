package metrics

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// maxStarts is how many starts may end in a row before the log has been
// replayed. The next one does without the log: what does not fit into memory
// never will, and a start that never comes is worse than a gap of three hours.
const maxStarts = 5

// starts counts the starts that have died before they came to an end, in a file.
// One that says why it can't, or is asked to end, has not died: setting a good
// log aside would not help it.
type starts string

func startsOf(dir string) starts { return starts(filepath.Join(dir, "starts")) }

// begin counts a start, and returns how many before it have failed.
func (s starts) begin() int {
	text, _ := os.ReadFile(string(s)) // most often it is not there
	failed, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || failed < 0 {
		failed = 0
	}
	_ = os.WriteFile(string(s), []byte(strconv.Itoa(failed+1)), 0o600) // a full disk must not keep it from starting
	return failed
}

// undo takes the last start back: it has ended, but not by its own death.
func (s starts) undo(failed int) {
	if failed == 0 {
		s.succeed()
		return
	}
	_ = os.WriteFile(string(s), []byte(strconv.Itoa(failed)), 0o600) // a full disk must not keep it from ending
}

// succeed forgets the starts that have failed.
func (s starts) succeed() { _ = os.Remove(string(s)) }

// errReplay is why a log is set aside that could not be replayed.
var errReplay = errors.New("five starts in a row have ended while it was replayed, perhaps for want of memory (--memory)")

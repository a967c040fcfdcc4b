package bench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// family is processes that are measured together (Linux).
type family []int

// processor is the processor time that they have used.
func (f family) processor() (sum time.Duration) {
	for _, pid := range f {
		sum += processorOf(pid)
	}
	return sum
}

// memory is the resident memory that is theirs, in bytes: pages that several
// processes share count in parts (PSS), so that a program that runs twice does
// not count twice.
func (f family) memory() (sum int64, err error) {
	for _, pid := range f {
		one, err := proportional(pid, "Pss:")
		if err != nil {
			return 0, err
		}
		sum += one
	}
	return sum, nil
}

// proportional is one line of what /proc says of a process's memory, in bytes.
func proportional(pid int, what string) (int64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "smaps_rollup"))
	if err != nil {
		return 0, fmt.Errorf("memory is read from /proc: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, what); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("/proc says nothing of " + what)
}

// shares says whose memory it is, and how much of it are pages of files, which
// are the program itself and blocks of samples.
func (w *watch) shares() string {
	var parts []string
	for i, word := range []string{"toban", "its metrics process"} {
		all, err := proportional(w.family[i], "Pss:")
		files, failed := proportional(w.family[i], "Pss_File:")
		if err != nil || failed != nil {
			return "whose memory it is can't be read"
		}
		parts = append(parts, fmt.Sprintf("%s has %.0f MiB, %.0f of them files", word, mebibytes(all), mebibytes(files)))
	}
	return strings.Join(parts, ", ")
}

// started finds the process that a parent has started with a word among its
// arguments that begins so.
func started(parent int, word string) (int, error) {
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		if fields := strings.Fields(rest); len(fields) < 2 || fields[1] != strconv.Itoa(parent) {
			continue
		}
		words, err := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		if err == nil && slices.ContainsFunc(bytes.Split(words, []byte{0}), func(w []byte) bool { return bytes.HasPrefix(w, []byte(word)) }) {
			return strconv.Atoi(filepath.Base(filepath.Dir(path)))
		}
	}
	return 0, fmt.Errorf("process %d has started nothing with %s", parent, word)
}

// Package lockfile lets one process hold what only one may.
package lockfile

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// ErrHeld says that another process holds the file.
var ErrHeld = errors.New("held by another process")

// Lock is a file that is held (flock(2), exclusively).
type Lock struct{ file *os.File }

// Take holds the file at path, which it makes where it is missing, until Release is
// called or the process ends, whatever way. It does not wait: the error is ErrHeld
// where another has it.
func Take(path string) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator's own folder
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return &Lock{f}, nil
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrHeld
	}
	return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
}

// Release gives the file back at once. To close it alone is not enough: a child
// that this process is about to begin has it open until its own program runs.
func (l *Lock) Release() error {
	return errors.Join(syscall.Flock(int(l.file.Fd()), syscall.LOCK_UN), l.file.Close())
}

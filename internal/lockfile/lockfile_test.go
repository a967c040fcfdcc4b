package lockfile

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
)

func TestOneHoldsItAtATime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	l, err := Take(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Take(path); !errors.Is(err, ErrHeld) {
		t.Errorf("got %v for the second, want ErrHeld", err)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	again, err := Take(path)
	if err != nil {
		t.Fatalf("got %v after the release, want it free", err)
	}
	if err := again.Release(); err != nil {
		t.Error(err)
	}
}

// Between fork and exec a child has all files of its parent.
func TestAChildThatJustBeginsHoldsNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	l, err := Take(path)
	if err != nil {
		t.Fatal(err)
	}
	childs, err := syscall.Dup(int(l.file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(childs) }()
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	again, err := Take(path)
	if err != nil {
		t.Fatalf("got %v, want it free", err)
	}
	if err := again.Release(); err != nil {
		t.Error(err)
	}
}

func TestAPlaceThatCanNotBeWrittenIsAnErrorThatNamesIt(t *testing.T) {
	t.Parallel()
	if _, err := Take(filepath.Join(t.TempDir(), "none", "lock")); err == nil || errors.Is(err, ErrHeld) {
		t.Errorf("got %v, want that the folder is missing", err)
	}
}

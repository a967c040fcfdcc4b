package wholefile_test

import (
	"os"
	"path/filepath"
	"testing"

	"toban/internal/wholefile"
)

func TestAFileIsWrittenAsAWholeForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "key")
	for _, body := range []string{"first, and longer", "second"} {
		if err := wholefile.Write(path, []byte(body)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != body {
			t.Errorf("got %q %v, want %q", got, err, body)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v %v, want it for its owner alone", info.Mode(), err)
	}
	if all, err := os.ReadDir(dir); err != nil || len(all) != 1 {
		t.Errorf("got %v %v, want nothing beside it", all, err)
	}
}

func TestAFileThatCanNotBeWrittenStaysAsItWas(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := wholefile.Write(taken, []byte("x")); err == nil {
		t.Error("got none, want an error: a folder is there")
	}
	if all, err := os.ReadDir(dir); err != nil || len(all) != 1 {
		t.Errorf("got %v %v, want nothing beside it", all, err)
	}
}

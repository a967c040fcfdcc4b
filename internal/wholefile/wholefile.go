// Package wholefile writes files that are there as a whole or not at all.
package wholefile

import (
	"errors"
	"os"
	"path/filepath"
)

// Write makes body what is in the file at path, for its owner alone: the file is as
// it was or as it is to be, even when the machine stops meanwhile.
func Write(path string, body []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already when all went well
	_, err = f.Write(body)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

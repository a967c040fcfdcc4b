package app

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"toban/detect"
	"toban/detect/saying"
	"toban/oncall"
)

// ruleEnding is that of the files of rules.
const ruleEnding = ".yml"

// ruleFile is the name of a monitor's file of rules. A monitor's own name may be
// too long for a file, or be the same as another's where case does not count.
func ruleFile(id oncall.MonitorID) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:16]) + ruleEnding
}

// WriteRules makes those of the monitors that are rules what the child evaluates,
// a file for each in these words, and takes the files of others away.
func (m *metrics) WriteRules(monitors []*oncall.Monitor, words saying.Words) error {
	wanted := map[string][]byte{}
	var watched []*oncall.Monitor
	for _, one := range monitors {
		if body := detect.RuleOf(one, words); len(body) > 0 {
			wanted[ruleFile(one.ID)] = body
			watched = append(watched, one)
		}
	}
	changed, err := syncFolder(m.data.MetricsRules(), wanted)
	if err != nil {
		return fmt.Errorf("rules: %w", err)
	}
	m.blind.want(watched)
	if changed {
		m.forgetRules()
		m.reload()
	}
	return nil
}

// dropOldRules takes away the rules of earlier versions, which had them in one file
// in a folder of its own. A version that is rolled back to reads all that is in there.
func (m *metrics) dropOldRules() {
	old := m.data.oldMetricsRules()
	if _, err := syncFolder(old, nil); err != nil {
		m.log.Error("rules of an earlier version were not removed", "err", err)
		return
	}
	_ = os.Remove(old) // it stays where it is not empty
}

// syncFolder makes a folder have those files of rules and no others, and reports
// whether it had to. A file is there as a whole or not at all; after a loss of
// power it is written again.
func syncFolder(dir string, wanted map[string][]byte) (changed bool, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) && len(wanted) == 0 {
		return false, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return false, err
	}
	for _, e := range entries {
		if wanted[e.Name()] == nil && strings.HasSuffix(e.Name(), ruleEnding) {
			changed = true
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return changed, err
			}
		}
	}
	for name, body := range wanted {
		path := filepath.Join(dir, name)
		if before, err := os.ReadFile(path); err == nil && string(before) == string(body) { //nolint:gosec // toban's own folder
			continue
		}
		changed = true
		if err := writeWhole(path, body); err != nil {
			return changed, err
		}
	}
	return changed, nil
}

// writeWhole writes a file that nobody sees half of.
func writeWhole(path string, body []byte) error {
	beside := strings.TrimSuffix(path, ruleEnding) + ".new"
	if err := os.WriteFile(beside, body, 0o600); err != nil {
		return err
	}
	return os.Rename(beside, path)
}

package metrics

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
)

// firingFile is the file of the alerts that toban has been told as firing. It is
// written beside and renamed, so that a killed process leaves the old or the
// new one. It is not synced: after a loss of power the alerts' own EndsAt ends
// them.
type firingFile string

// maxFiring bounds the file, in bytes.
const maxFiring = 256 << 20

type keptAlert struct {
	Rule  string `json:"rule"`
	Alert alert  `json:"alert"`
}

type keptAlerts struct {
	Version int         `json:"version"`
	Alerts  []keptAlert `json:"alerts"`
}

// read returns what the last run has told. A file that can't be read is put
// aside: no alert is worth not starting for.
func (f firingFile) read(log *slog.Logger) []keptAlert {
	text, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var kept keptAlerts
	if err == nil && len(text) > maxFiring {
		err = errors.New("the file is too large")
	}
	if err == nil {
		err = json.Unmarshal(text, &kept)
	}
	if err == nil && kept.Version != 1 {
		err = errors.New("the file is of another version of toban")
	}
	if err != nil {
		log.Error("which alerts were firing can't be read; those that have healed since end by themselves", "file", string(f), "err", err)
		if err := os.Rename(string(f), string(f)+".damaged"); err != nil {
			log.Warn("the file stays where it is", "file", string(f), "err", err)
		}
		return nil
	}
	return kept.Alerts
}

func (f firingFile) write(alerts []keptAlert) error {
	text, err := json.Marshal(keptAlerts{Version: 1, Alerts: alerts})
	if err != nil {
		return err
	}
	beside := string(f) + ".new"
	if err := os.WriteFile(beside, text, 0o600); err != nil {
		return err
	}
	return os.Rename(beside, string(f))
}

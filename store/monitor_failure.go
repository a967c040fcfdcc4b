package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"toban/internal/id"
	"toban/oncall"
)

// KeepMonitorFailures is how many failures of a monitor are kept.
const KeepMonitorFailures = 20

// Limits of a failure, in bytes.
const (
	maxFailureMessage = 2 << 10
	maxEvidence       = 64 << 10
)

// MonitorFailure is one check that failed, with what was tried and what came
// back.
type MonitorFailure struct {
	ID       string // made when it is added
	Monitor  oncall.MonitorID
	Location string
	At       time.Time
	Reason   string
	Message  string
	Evidence []byte // JSON; what is too large is left out
}

const insertMonitorFailure = `
	INSERT INTO monitor_failures(monitor_id, id, location, at, reason, message, evidence) VALUES ($1, $2, $3, $4, $5, $6, $7)`

const trimMonitorFailures = `
	DELETE FROM monitor_failures WHERE (monitor_id, id) IN
		(SELECT monitor_id, id FROM
			(SELECT monitor_id, id, ROW_NUMBER() OVER (PARTITION BY monitor_id ORDER BY id DESC) AS n
				FROM monitor_failures WHERE monitor_id IN ($1)) AS v
			WHERE n > $2)`

// AddMonitorFailures keeps failures; of each monitor the last ones stay.
func (tx *Tx) AddMonitorFailures(ctx context.Context, failures []MonitorFailure) error {
	if len(failures) == 0 {
		return nil
	}
	args := make([]any, 0, 7*len(failures))
	var touched []oncall.MonitorID
	for i := range failures {
		f := &failures[i]
		evidence := f.Evidence
		if len(evidence) == 0 || len(evidence) > maxEvidence {
			evidence = []byte("{}")
		}
		message := strings.ToValidUTF8(f.Message[:min(len(f.Message), maxFailureMessage)], "")
		args = append(args, string(f.Monitor), id.At("mfl", f.At), f.Location, f.At.UnixMilli(), f.Reason, clean(message), string(evidence))
		touched = append(touched, f.Monitor)
	}
	if _, err := tx.execSet(ctx, insertMonitorFailure, 7, args); err != nil {
		return fmt.Errorf("failures of monitors: %w", err)
	}
	slices.Sort(touched)
	if _, err := tx.execSet(ctx, trimMonitorFailures, 1, ids(slices.Compact(touched)), KeepMonitorFailures); err != nil {
		return fmt.Errorf("failures of monitors: %w", err)
	}
	return nil
}

const selectMonitorFailures = `
	SELECT id, monitor_id, location, at, reason, message, evidence FROM monitor_failures
	WHERE monitor_id = $1 ORDER BY id DESC`

// MonitorFailures returns the last failures of a monitor, the newest first.
func (tx *Tx) MonitorFailures(ctx context.Context, monitor oncall.MonitorID) ([]MonitorFailure, error) {
	var list []MonitorFailure
	err := tx.all(ctx, selectMonitorFailures, func(rows row) error {
		var f MonitorFailure
		err := rows.Scan(&f.ID, &f.Monitor, &f.Location, (*millis)(&f.At), &f.Reason, &f.Message, &f.Evidence)
		list = append(list, f)
		return err
	}, clean(string(monitor)))
	if err != nil {
		return nil, fmt.Errorf("failures of monitor %s: %w", monitor, err)
	}
	return list, nil
}

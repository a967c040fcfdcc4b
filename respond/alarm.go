package respond

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"toban/internal/wait"
	"toban/oncall"
	"toban/store"
)

// alarm is something wrong with toban itself. Its key deduplicates: while its
// incident is open, the same alarm only counts.
type alarm struct {
	key, title string
	severity   oncall.Severity // "" = critical
}

// raise asks Run to open an incident about toban itself. It is called inside
// transactions, so it only remembers: what it says is true even when the
// transaction is not kept, and a crash before it is raised does not matter,
// because what is broken stays so and says so again: within a minute, or in the
// next round where nobody can be asked.
func (d *Driver) raise(a alarm, detail string) {
	d.mu.Lock()
	d.alarms[a] = detail
	d.mu.Unlock()
	select {
	case d.alarmed <- struct{}{}:
	default:
	}
}

// Raise opens an incident about toban itself, in the catch-all service, for what
// somebody has to mend in the morning: calls go on without it. While one with that
// key is open it only counts.
func (d *Driver) Raise(_ context.Context, key, title string) {
	d.raise(alarm{key: key, title: title, severity: oncall.Warning}, "")
}

// alarmAgain is when an alarm is tried again that could not be committed.
const alarmAgain = time.Second

func (d *Driver) raiseAlarms(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.alarmed:
		}
		for a, detail := range d.takeAlarms() {
			for {
				err := d.open(ctx, a, detail)
				if err == nil || ctx.Err() != nil {
					break
				}
				d.log.ErrorContext(ctx, "incident about toban itself not raised", "alarm", a.key, "err", err)
				if !wait.For(ctx, alarmAgain) {
					return
				}
			}
		}
	}
}

func (d *Driver) takeAlarms() map[alarm]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	taken := d.alarms
	d.alarms = map[alarm]string{}
	return taken
}

var errNoCatchAll = errors.New("no service is marked catch_all")

// open opens the incident of an alarm in the catch-all service.
func (d *Driver) open(ctx context.Context, a alarm, detail string) error {
	var dir *oncall.Directory
	err := d.db.Read(ctx, func(tx *store.Tx) (err error) {
		dir, err = tx.Directory(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("directory: %w", err)
	}
	svc := catchAll(dir)
	if svc == nil {
		return errNoCatchAll
	}
	_, err = d.db.Accept(ctx, []store.Acceptance{Opening(dir, svc, oncall.Signal{
		Key: "toban/" + a.key, Severity: cmp.Or(a.severity, oncall.Critical), Title: a.title,
		Annotations: map[string]string{"detail": detail},
	}, "", "", time.Now())})
	return err
}

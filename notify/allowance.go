package notify

import (
	"context"
	"time"

	"toban/oncall"
	"toban/store"
)

// allowance is what paid messages may still cost (R26). The response looks at
// the caps when it asks for an attempt; this is for what was asked for before
// and waits.
type allowance struct{ windows []window }

// window is the clock's hour or the calendar's day of the installation.
type window struct {
	left  int64 // in millionths of the tariff's currency
	until time.Time
}

// readAllowance sums what was spent, when there is a cap.
func readAllowance(ctx context.Context, tx *store.Tx, dir *oncall.Directory) (*allowance, error) {
	a := &allowance{}
	for _, c := range dir.Settings.Spend.Caps(tx.Now, dir.Settings.Location()) {
		spent, err := tx.Spent(ctx, c.From)
		if err != nil {
			return nil, err
		}
		a.windows = append(a.windows, window{c.Micros - spent, c.To})
	}
	return a, nil
}

// spend takes micros off the allowance of this transaction. A cap stands from
// the message on that reaches it; until is when it falls, zero = it does not
// stand.
func (w *claiming) spend(ctx context.Context, tx *store.Tx, micros int64) (until time.Time, err error) {
	if micros <= 0 {
		return time.Time{}, nil
	}
	if w.allowance == nil {
		if w.allowance, err = readAllowance(ctx, tx, w.dir); err != nil {
			return time.Time{}, err
		}
	}
	for _, each := range w.allowance.windows {
		if each.left <= 0 && each.until.After(until) {
			until = each.until
		}
	}
	if !until.IsZero() {
		return until, nil
	}
	for i := range w.allowance.windows {
		w.allowance.windows[i].left -= micros
	}
	return time.Time{}, nil
}

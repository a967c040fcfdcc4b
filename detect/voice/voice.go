// Package voice hands to the alert stage what rows of the store owe it. What is
// owed is written down in the transaction that wants it, claimed, said and only
// then crossed off: a crash between any two of these says it twice at most, and
// never not at all. It decides nothing of what is said.
package voice

import (
	"context"
	"log/slog"
	"time"

	"toban/internal/hints"
	"toban/oncall"
	"toban/store"
)

const (
	// Again is when something that is owed is looked after by its row's timer.
	Again = 5 * time.Second
	// sayWithin bounds how long the alert stage may take, claimFor for how long no
	// other node says the same meanwhile.
	sayWithin   = 20 * time.Second
	claimFor    = 40 * time.Second
	storeWithin = 10 * time.Second
	// maxSaid are how many are said together.
	maxSaid = 64
	// maxOwed is how much is owed of one row at most.
	maxOwed = 20
)

// Owe appends to what is owed. The same once more takes the place of the last;
// of too many a pair that takes itself back is left out. The first stays: it is
// perhaps being said.
func Owe(v *store.HeartbeatVoice, s oncall.Signal) {
	last := len(v.Owed) - 1
	if last >= 1 && v.Owed[last].Action == s.Action && v.Owed[last].Service == s.Service {
		v.Owed[last] = s
		return
	}
	if len(v.Owed) >= maxOwed {
		v.Owed = append(v.Owed[:1:1], v.Owed[3:]...)
	}
	v.Owed = append(v.Owed, s)
}

// Line is where a row has what it owes, and who says it until when.
type Line struct {
	Voice   *store.HeartbeatVoice
	Speaker *string
	Until   *time.Time
}

// Rows are the rows of one kind.
type Rows[K comparable, R any] struct {
	Name string // in the log: "heartbeats"
	// Lock holds those of keys that are there.
	Lock func(ctx context.Context, tx *store.Tx, keys []K) (map[K]R, error)
	Line func(row R) Line
	// Claim writes rows of which the speaker alone is another.
	Claim func(ctx context.Context, tx *store.Tx, rows []R) error
	// Settle writes rows of which something was crossed off, or was not taken, with
	// the timers that they need.
	Settle func(ctx context.Context, tx *store.Tx, rows map[K]R) error
}

// Options are what a Voice works with.
type Options struct {
	DB *store.DB
	// Accept hands signals to the alert stage and returns once they are committed.
	Accept func(ctx context.Context, signals []oncall.Signal) error
	Fenced func() bool // the node may not act at the moment
}

// Voice says what rows of one kind owe.
type Voice[K comparable, R any] struct {
	o     Options
	rows  Rows[K, R]
	hints *hints.Set[K]
}

// New returns a Voice that says nothing before Run.
func New[K comparable, R any](o Options, rows Rows[K, R]) *Voice[K, R] {
	return &Voice[K, R]{o: o, rows: rows, hints: hints.New[K]()}
}

// Hint says that something may be owed of keys. It may come before the commit,
// which is early at worst: who says it waits for the row.
func (v *Voice[K, R]) Hint(keys ...K) { v.hints.Add(keys...) }

// Run says what was hinted at until ctx ends.
func (v *Voice[K, R]) Run(ctx context.Context, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-v.hints.Ready():
		}
		for keys := v.hints.Take(maxSaid); len(keys) > 0 && ctx.Err() == nil; keys = v.hints.Take(maxSaid) {
			v.speak(ctx, log, keys)
		}
	}
}

// speak says the first of what is owed of each. The row is claimed meanwhile, so
// that two nodes never say things of one row in another order.
func (v *Voice[K, R]) speak(ctx context.Context, log *slog.Logger, keys []K) {
	if v.o.Fenced() {
		return // the timer comes back to it
	}
	ctx = context.WithoutCancel(ctx) // what has begun is ended, each part within its time
	words, err := v.claim(ctx, keys)
	if err != nil {
		log.ErrorContext(ctx, "they wait to be told of", "kind", v.rows.Name, "rows", len(keys), "err", err)
		return
	}
	if len(words) == 0 {
		return
	}
	said, err := v.say(ctx, words)
	if len(said) < len(words) {
		log.ErrorContext(ctx, "what they have to say was not taken; it is said again", "kind", v.rows.Name, "rows", len(words)-len(said), "err", err)
	}
	if err := v.crossOff(ctx, words, said); err != nil {
		log.ErrorContext(ctx, "they were told of and will be again", "kind", v.rows.Name, "rows", len(words), "err", err)
	}
}

func (v *Voice[K, R]) claim(ctx context.Context, keys []K) (words map[K]oncall.Signal, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	err = v.o.DB.Tx(ctx, func(tx *store.Tx) error {
		words = map[K]oncall.Signal{}
		rows, err := v.rows.Lock(ctx, tx, keys)
		if err != nil {
			return err
		}
		var claimed []R
		for key, row := range rows {
			l := v.rows.Line(row)
			elsewhere := *l.Speaker != "" && *l.Speaker != v.o.DB.Node() && tx.Now.Before(*l.Until)
			if len(l.Voice.Owed) == 0 || elsewhere {
				continue
			}
			*l.Speaker, *l.Until = v.o.DB.Node(), tx.Now.Add(claimFor)
			claimed = append(claimed, row)
			words[key] = l.Voice.Owed[0]
		}
		return v.rows.Claim(ctx, tx, claimed)
	})
	return words, err
}

// say returns of which rows the words were taken. They are said together; when
// that fails one by one, as one of them may be what can't be taken.
func (v *Voice[K, R]) say(ctx context.Context, words map[K]oncall.Signal) (said map[K]bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, sayWithin)
	defer cancel()
	said = make(map[K]bool, len(words))
	all := make([]oncall.Signal, 0, len(words))
	for _, s := range words {
		all = append(all, s)
	}
	err = v.o.Accept(ctx, all)
	for key, s := range words {
		if err == nil || len(words) > 1 && v.o.Accept(ctx, []oncall.Signal{s}) == nil {
			said[key] = true
		}
	}
	return said, err
}

func (v *Voice[K, R]) crossOff(ctx context.Context, words map[K]oncall.Signal, said map[K]bool) error {
	ctx, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	keys := make([]K, 0, len(words))
	for key := range words {
		keys = append(keys, key)
	}
	var more []K
	err := v.o.DB.Tx(ctx, func(tx *store.Tx) error {
		more = nil
		rows, err := v.rows.Lock(ctx, tx, keys)
		if err != nil {
			return err
		}
		for key, row := range rows {
			l := v.rows.Line(row)
			if *l.Speaker != v.o.DB.Node() {
				delete(rows, key) // it took so long that another node says it
				continue
			}
			*l.Speaker, *l.Until = "", time.Time{}
			if said[key] && len(l.Voice.Owed) > 0 {
				l.Voice.Owed = l.Voice.Owed[1:]
				if len(l.Voice.Owed) > 0 {
					more = append(more, key)
				}
			}
		}
		return v.rows.Settle(ctx, tx, rows)
	})
	if err == nil {
		v.hints.Add(more...)
	}
	return err
}

package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"toban/oncall"
)

// Who looks on while incidents change: so many people, each with an account and
// this many open lists.
const (
	onlookers       = 125
	onlookersOnDuty = 100 // are users of the configuration as well
	listsEach       = 4

	changesPerSecond = 5
	changers         = 4
	// liveFor is how long incidents change, arriveWithin how long the last change may
	// take to everybody.
	liveFor      = 5 * time.Second
	arriveWithin = 10 * time.Second
)

// live opens the streams of 500 lists, has incidents opened and acknowledged,
// and measures from the answer to the change until the row of the incident has
// come over each stream. A stream that misses one gives no figures.
func (s *site) live(ctx context.Context, p *past) (figures []Figure, err error) {
	ctx, cancel := context.WithCancel(ctx)
	var listening sync.WaitGroup
	defer listening.Wait()
	defer cancel()
	board := &board{state: map[oncall.IncidentID]string{}}
	streams := make([]*stream, onlookers*listsEach)
	for i := range streams {
		if streams[i], err = s.openStream(ctx, p.accounts[i%onlookers], i/onlookers, board); err != nil {
			return nil, err
		}
		listening.Go(streams[i].listen)
	}
	if err := patiently(ctx, arriveWithin, func() (bool, error) { return board.greeted() == len(streams), nil }); err != nil {
		return nil, err
	}
	used, began := s.child.processor(), time.Now()
	changes, err := s.change(ctx, p, board)
	if err != nil {
		return nil, err
	}
	busy := float64(s.child.processor()-used) / float64(time.Since(began))
	memory, err := s.child.memory()
	if err != nil {
		return nil, err
	}
	var late []time.Duration
	err = patiently(ctx, arriveWithin, func() (bool, error) {
		var all bool
		late, all = delays(streams, changes)
		return all, nil
	})
	if err != nil {
		return nil, err
	}
	if missed := len(streams)*len(changes) - len(late); missed > 0 {
		return nil, fmt.Errorf("live: %d of %d rows did not come within %s%s", missed, len(streams)*len(changes), arriveWithin, ended(streams))
	}
	s.r.say("live: %d changes to %d streams, the last row came after %.0f ms, p50 %.0f ms", len(changes), len(streams), milliseconds(percentile(late, 1)), milliseconds(percentile(late, 0.5)))
	return []Figure{
		{"live.delay_p99", milliseconds(percentile(late, 0.99)), "ms"},
		{"live.rss", mebibytes(memory), "MiB"},
		{"live.cpu", 100 * busy, "%"},
	}, nil
}

// change is one that people are to see.
type change struct {
	id       oncall.IncidentID
	answered time.Time
}

// change opens and acknowledges incidents in turn.
func (s *site) change(ctx context.Context, p *past, board *board) (all []change, err error) {
	var mu sync.Mutex
	err = openLoop(ctx, changesPerSecond, changers, liveFor, func(_, n int, _ time.Time) error {
		var c change
		if n%2 == 0 {
			var made struct {
				ID oncall.IncidentID `json:"id"`
			}
			what := map[string]string{"service": laterService, "title": fmt.Sprintf("live change %d", n), "severity": "critical", "by": firstAccount}
			if err := s.post(ctx, "/api/v1/incidents", what, &made); err != nil {
				return err
			}
			c = change{made.ID, time.Now()}
		} else {
			inc := p.open[n/2] // the newest; those at the end are acknowledged
			board.expect(inc.id, string(oncall.Acknowledged))
			if err := s.post(ctx, "/api/v1/incidents/"+string(inc.id)+"/acknowledge", map[string]string{"by": firstAccount}, nil); err != nil {
				return err
			}
			c = change{inc.id, time.Now()}
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, c)
		return nil
	})
	return all, err
}

// board is what all streams look for.
type board struct {
	mu    sync.RWMutex
	state map[oncall.IncidentID]string // the state in which an incident is looked for; others in any
	hello int
}

func (b *board) expect(id oncall.IncidentID, state string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state[id] = state
}

func (b *board) wanted(id oncall.IncidentID) string {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.state[id]
}

func (b *board) greeted() int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.hello
}

// stream is a page that listens.
type stream struct {
	board *board
	body  *bufio.Reader
	close func() error

	mu   sync.Mutex
	seen map[oncall.IncidentID]time.Time // when the row first came in the state that is looked for
	over error
}

// openStream opens the stream of a list; turn chooses which.
func (s *site) openStream(ctx context.Context, cookie string, turn int, board *board) (*stream, error) {
	w, err := dialWire(ctx, s.child.Address)
	if err != nil {
		return nil, err
	}
	lists := []string{"", "", "&show=all", "&service=" + laterService}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://toban/live?view=list"+lists[turn%len(lists)], http.NoBody)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Cookie", cookie)
	if err := r.Write(w.conn); err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(w.in, r) //nolint:bodyclose // it is open as long as the stream, which closes it
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		w.close()
		return nil, errors.Join(fmt.Errorf("a stream was answered %s", res.Status), res.Body.Close())
	}
	return &stream{board: board, body: bufio.NewReader(res.Body), seen: map[oncall.IncidentID]time.Time{}, close: func() error {
		w.close()
		return res.Body.Close()
	}}, nil
}

// listen notes the rows that come, until the stream ends.
func (s *stream) listen() {
	defer func() { _ = s.close() }() // it has ended
	greeted := false
	var line []byte
	for {
		part, err := s.body.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil:
			s.mu.Lock()
			s.over = err
			s.mu.Unlock()
			return
		}
		if !greeted && bytes.HasPrefix(line, []byte("event: beat")) {
			greeted = true
			s.board.mu.Lock()
			s.board.hello++
			s.board.mu.Unlock()
		}
		if bytes.HasPrefix(line, []byte("data: ")) {
			s.note(line, time.Now())
		}
		line = line[:0]
	}
}

// row is how a line of a list begins, up to the name of its incident.
const (
	rowBegins = `<li class="inc inc-`
	rowName   = `id="inc-`
)

// note finds the rows in a patch.
func (s *stream) note(line []byte, at time.Time) {
	for {
		_, rest, found := bytes.Cut(line, []byte(rowBegins))
		if !found {
			return
		}
		state, rest, _ := bytes.Cut(rest, []byte(`"`))
		_, rest, _ = bytes.Cut(rest, []byte(rowName))
		name, rest, _ := bytes.Cut(rest, []byte(`"`))
		line = rest
		id := oncall.IncidentID(name)
		if wanted := s.board.wanted(id); wanted != "" && wanted != string(state) {
			continue
		}
		s.mu.Lock()
		if s.seen[id].IsZero() {
			s.seen[id] = at
		}
		s.mu.Unlock()
	}
}

// delays are how long after its answer each change came over each stream; all
// says that every one has.
func delays(streams []*stream, changes []change) (late []time.Duration, all bool) {
	for _, s := range streams {
		s.mu.Lock()
		for _, c := range changes {
			if at := s.seen[c.id]; !at.IsZero() {
				late = append(late, max(at.Sub(c.answered), 0)) // it may overtake the answer
			}
		}
		s.mu.Unlock()
	}
	return late, len(late) == len(streams)*len(changes)
}

// ended says why streams have, if some have.
func ended(streams []*stream) string {
	for _, s := range streams {
		s.mu.Lock()
		over := s.over
		s.mu.Unlock()
		if over != nil && !errors.Is(over, io.EOF) {
			return ": a stream has ended: " + over.Error()
		} else if over != nil {
			return ": toban has ended a stream"
		}
	}
	return ""
}

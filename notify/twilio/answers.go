package twilio

import (
	"context"
	"sync"
	"time"
)

// answers remembers what was said to a request of the provider, so that the
// same request sent again gets the same answer and has no second effect. It is
// a courtesy of memory: what must not happen twice is idempotent behind it.
type answers struct {
	mu    sync.Mutex
	known map[string]*answer
	order []string
}

type answer struct {
	done chan struct{} // closed when body is there
	body []byte
	at   time.Time
}

const (
	maxAnswers  = 4096
	answerLives = 10 * time.Minute
)

func newAnswers() *answers { return &answers{known: map[string]*answer{}} }

// once returns what make says, or said to the same token before. A duplicate
// that comes while the first one is being answered waits for it. An answer that
// failed is forgotten, so that asking again helps.
func (a *answers) once(ctx context.Context, token string, make func() ([]byte, error)) ([]byte, error) {
	if token == "" || len(token) > 128 {
		return make()
	}
	for {
		a.mu.Lock()
		first, known := a.known[token]
		if !known {
			first = a.add(token)
		}
		a.mu.Unlock()
		if !known {
			return a.first(token, first, make)
		}
		select {
		case <-first.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if first.body != nil {
			return first.body, nil
		}
	}
}

func (a *answers) first(token string, first *answer, make func() ([]byte, error)) (body []byte, err error) {
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if first.body = body; body == nil {
			delete(a.known, token)
		}
		close(first.done)
	}()
	return make()
}

// add makes room and notes token. a.mu is held.
func (a *answers) add(token string) *answer {
	now := time.Now()
	for len(a.order) > 0 {
		oldest, known := a.known[a.order[0]]
		if known && len(a.order) < maxAnswers && now.Sub(oldest.at) < answerLives {
			break
		}
		delete(a.known, a.order[0])
		a.order = a.order[1:]
	}
	each := &answer{done: make(chan struct{}), at: now}
	a.known[token] = each
	a.order = append(a.order, token)
	return each
}

package metrics

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// suspicion is how long a query is refused that ran when the process ended: an
// open dashboard asks every few seconds, and one that asks for too much would
// end the process as often, and the rules with it.
const suspicion = 5 * time.Minute

// suspects are the queries that ran when the last process died.
type suspects struct {
	queries []string // as far as Prometheus writes them down
	until   time.Time
}

// readSuspects reads what Prometheus has written down of the queries that run;
// before its tracker clears the file. An orderly end leaves none.
func readSuspects(dir string, now time.Time) suspects {
	path := filepath.Join(dir, "queries.active")
	info, err := os.Stat(path)
	if err != nil || info.Size() > 1<<20 {
		return suspects{}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return suspects{}
	}
	// The file has places of a fixed size, the empty ones of zeros, and no end mark.
	list := strings.TrimSuffix(strings.ReplaceAll(string(text), "\x00", ""), ",") + "]"
	var entries []struct {
		Query string `json:"query"`
	}
	if json.Unmarshal([]byte(list), &entries) != nil {
		return suspects{}
	}
	s := suspects{until: now.Add(suspicion)}
	for _, e := range entries {
		if e.Query != "" {
			s.queries = append(s.queries, e.Query)
		}
	}
	return s
}

// check refuses a suspect as long as it is one.
func (s suspects) check(query string, now time.Time) error {
	if len(s.queries) == 0 || query == "" || now.After(s.until) {
		return nil
	}
	for _, q := range s.queries {
		// What is long was written down cut off.
		if query == q || len(q) > 900 && strings.HasPrefix(query, q) {
			return errors.New("this query ran when the process last ended; until it has proved innocent it is refused, " +
				"for five minutes from the start. If it asks for much, ask for less: a shorter time, fewer series, a longer step")
		}
	}
	return nil
}

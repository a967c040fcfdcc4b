package agent

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"toban/internal/remotewrite"
)

// shelf keeps series that come again and again, those of each location apart.
type shelf struct {
	keys remotewrite.Keys

	mu    sync.Mutex
	of    map[string]*board // by location
	tided time.Time
}

// board is that of one location.
type board struct {
	by   map[remotewrite.Key]*shelved
	size int // bytes, about
	told time.Time
}

type shelved struct {
	series *remotewrite.Series
	size   int
	seen   time.Time
	value  atomic.Uint64 // its bits, of the last sample
}

// Limits of what is kept of the series of one location; samples of further ones
// are not kept. A check has some 20 to 30.
const (
	maxSeries      = 20_000
	maxSeriesBytes = 16 << 20
	maxLabelBytes  = 10 << 10 // of one series: all names of a certificate, 8 KiB, may be among them
	// aboutSeries and aboutLabel are what a series and a label of it take besides
	// their texts, in bytes.
	aboutSeries = 192
	aboutLabel  = 48
)

func newShelf() shelf {
	return shelf{keys: remotewrite.NewKeys(), of: map[string]*board{}}
}

// find returns the series with exactly these labels, of that location; nil where
// it is a new one that may not be. full says that it is to be told, which it is now
// and then, that there was no room for it.
func (f *shelf) find(s *remotewrite.Received, location string, mayBeNew bool, now time.Time) (known *shelved, full bool) {
	text, size := make([]byte, 0, 512), aboutSeries // mostly enough
	for _, l := range s.Labels {
		if l.Name == labelLocation {
			continue
		}
		size += aboutLabel + len(l.Name) + len(l.Value)
		if len(text)+len(l.Name)+len(l.Value)+2 > maxLabelBytes {
			return nil, mayBeNew && f.tell(location, now)
		}
		text = append(append(append(append(text, l.Name...), 0xff), l.Value...), 0xff) // no UTF-8 has that
	}
	key := f.keys.Of(text)
	f.mu.Lock()
	defer f.mu.Unlock()
	if b := f.of[location]; b != nil && b.by[key] != nil {
		if mayBeNew {
			b.by[key].seen = now
		}
		return b.by[key], false
	}
	if !mayBeNew {
		return nil, false
	}
	f.tidy(now)
	b := f.board(location)
	if len(b.by) >= maxSeries || b.size+size > maxSeriesBytes {
		return nil, b.tell(now)
	}
	labels := make(map[string]string, len(s.Labels))
	for _, l := range s.Labels {
		labels[l.Name] = l.Value
	}
	metric := s.Metric()
	delete(labels, "__name__")
	labels[labelLocation] = location
	series, err := remotewrite.NewSeries(metric, labels)
	if err != nil {
		return nil, false // its labels were looked at; the location is too long
	}
	known = &shelved{series: series, size: size, seen: now}
	known.value.Store(math.Float64bits(math.NaN()))
	b.by[key] = known
	b.size += size
	return known, false
}

// tell reports whether it is to be told that there is no room at a location.
func (f *shelf) tell(location string, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.board(location).tell(now)
}

// board is that of a location. mu is held.
func (f *shelf) board(location string) *board {
	b := f.of[location]
	if b == nil {
		b = &board{by: map[remotewrite.Key]*shelved{}}
		f.of[location] = b
	}
	return b
}

func (b *board) tell(now time.Time) bool {
	if now.Sub(b.told) < forgotten {
		return false
	}
	b.told = now
	return true
}

// tidy lets go of series that came no more. mu is held.
func (f *shelf) tidy(now time.Time) {
	if now.Sub(f.tided) <= forgotten {
		return
	}
	f.tided = now
	for location, b := range f.of {
		for key, known := range b.by {
			if now.Sub(known.seen) > forgotten {
				delete(b.by, key)
				b.size -= known.size
			}
		}
		if len(b.by) == 0 && now.Sub(b.told) > forgotten {
			delete(f.of, location)
		}
	}
}

// sample is a sample of the series. A rule may wait for one that turns.
func (s *shelved) sample(p remotewrite.Point, at int64, result bool) remotewrite.Sample {
	bits := math.Float64bits(p.Value)
	return remotewrite.Sample{Series: s.series, At: at, Value: p.Value, Soon: s.value.Swap(bits) != bits && result}
}

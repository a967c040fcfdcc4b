package remotewrite

// queue holds what waits, the oldest first. It grows to its bound and then lets
// the oldest go: what is seen now matters more than what was seen before.
type queue struct {
	ring  []Sample
	first int
	n     int
	bound int
}

// push appends samples and returns how many old ones it let go.
func (q *queue) push(samples []Sample) (dropped int) {
	if over := len(samples) - q.bound; over > 0 {
		dropped, samples = over, samples[over:]
	}
	if over := q.n + len(samples) - q.bound; over > 0 {
		q.drop(over)
		dropped += over
	}
	q.grow(q.n + len(samples))
	for len(samples) > 0 {
		end := (q.first + q.n) % len(q.ring)
		copied := copy(q.ring[end:min(len(q.ring), end+len(samples))], samples)
		q.n += copied
		samples = samples[copied:]
	}
	return dropped
}

// grow makes room for n samples.
func (q *queue) grow(n int) {
	if n <= len(q.ring) {
		return
	}
	ring := make([]Sample, min(max(n, 2*len(q.ring), 256), q.bound))
	copied := copy(ring, q.ring[q.first:min(len(q.ring), q.first+q.n)])
	copy(ring[copied:], q.ring[:q.n-copied])
	q.ring, q.first = ring, 0
}

// take moves at most n of the oldest samples to the end of out.
func (q *queue) take(out []Sample, n int) []Sample {
	for n = min(n, q.n); n > 0; {
		run := q.ring[q.first:min(len(q.ring), q.first+n)]
		out = append(out, run...)
		n -= len(run)
		q.drop(len(run))
	}
	return out
}

func (q *queue) drop(n int) {
	for range n {
		q.ring[q.first] = Sample{} // the series may be gone meanwhile
		if q.first++; q.first == len(q.ring) {
			q.first = 0
		}
	}
	q.n -= n
}

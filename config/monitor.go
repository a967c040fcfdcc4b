package config

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"toban/internal/nearest"
	"toban/oncall"
)

// The kinds of object that this version watches by.
const (
	kindMonitor  = "monitor"
	kindLocation = "location"
)

// Defaults of monitors.
const (
	defaultEvery       = 15 * time.Second
	probeTimeout       = 10 * time.Second
	certificateEvery   = 10 * time.Minute
	metricEvery        = time.Minute
	defaultDownResults = 2
)

// kindKeys are the keys that say what a monitor watches; exactly one of them is
// written.
func kindKeys() []string {
	return []string{"http", "ping", "tcp", "dns", "certificate", "grpc", "heartbeat", "promql", "metric", "module"}
}

// commonKeys are those that every monitor knows.
func commonKeys() []string {
	return []string{"name", "every", "down_after", "up_after", "severity", "service", "labels", "paused"}
}

// probeKeys are those of monitors that ask a target themselves.
func probeKeys() []string { return []string{"timeout", "locations", "quorum", "private"} }

// keysOf are the keys that belong to a kind alone.
func keysOf(kind string) []string {
	switch kind {
	case "http":
		return []string{"method", "headers", "body", "expect", "redirects", "tls", "auth", "http_version", "ip", "proxy", "keep_alive"}
	case "ping":
		return []string{"ip", "size", "dont_fragment"}
	case "tcp":
		return []string{"send", "expect", "conversation", "starttls", "tls", "ip"}
	case "certificate":
		return []string{"days", "tls", "ip"}
	case "grpc":
		return []string{"grpc_service", "tls", "ip", "keep_alive"}
	case "module":
		return []string{"target"}
	}
	return nil
}

// monitor reads one of `monitors`.
func (l *loader) monitor(name, n *node) {
	if m := l.readMonitor(oncall.MonitorID(name.text), name, n); m != nil {
		l.put(kindMonitor, name.text, m, name)
	}
}

// readMonitor reads a monitor; nil when it can't be said what it watches. What is
// wrong is among the problems.
func (l *loader) readMonitor(id oncall.MonitorID, name, n *node) *oncall.Monitor {
	if id == "new" {
		l.errorf(name, "a monitor can't be called new: that is the address of the page on which one is made; name what it watches")
	}
	if n.kind == empty {
		l.errorf(name, "monitor %s says nothing to watch: add http: https://…, or one of %s", quote(string(id)), strings.Join(kindKeys()[1:], ", "))
		return nil
	}
	if !l.is(n, mapping) {
		return nil
	}
	before := len(l.problems)
	kind := l.kindOf(id, name, n)
	known := append([]string{kind}, keysOf(kind)...)
	if kind == "" { // what every monitor has is read all the same
		known = l.otherKeys(n)
	}
	probes := !slices.Contains([]string{"heartbeat", "promql", "metric"}, kind)
	if probes {
		known = append(known, probeKeys()...)
	}
	f := l.fields(name, n, append(known, commonKeys()...)...)
	m := &oncall.Monitor{
		ID: id, Name: f.title("name"), Kind: oncall.MonitorKind(kind),
		Severity: oncall.Severity(f.word("severity", string(oncall.Critical), string(oncall.Critical), string(oncall.Failure), string(oncall.Warning), string(oncall.Info))),
		Service:  oncall.ServiceID(f.refer("service", "service")),
		Labels:   l.labels(f.node("labels")), Paused: f.bool("paused", false), Private: f.bool("private", false),
		Written: written(n),
	}
	if m.Name == "" {
		m.Name = string(id)
	}
	m.Every = f.duration("every", everyOf(kind), oncall.MinEvery, oncall.MaxEvery)
	without := oncall.Threshold{}
	if probes {
		without.Count = defaultDownResults
		m.Timeout = f.timeout(m.Every)
		l.places(f, m)
	}
	m.Down, m.Up = f.threshold("down_after", without), f.threshold("up_after", oncall.Threshold{})
	if kind == "" {
		return nil
	}
	compiler{l: l, f: f, m: m, before: before}.compile(kind)
	if e, bad := errors.AsType[*oncall.Error](m.Validate()); bad && !Failed(l.problems[before:]) && !(l.partial && kind == "module") {
		l.errorf(name, "%s", e.Message) // whatever else a limit refuses
	}
	return m
}

// otherKeys are the keys of a monitor that says nothing to watch, or too much:
// which of them belong to it is not known.
func (l *loader) otherKeys(n *node) (all []string) {
	for _, p := range n.pairs {
		if !slices.Contains(commonKeys(), p.key.text) && !slices.Contains(probeKeys(), p.key.text) {
			all = append(all, p.key.text)
		}
	}
	return all
}

func everyOf(kind string) time.Duration {
	switch kind {
	case "certificate":
		return certificateEvery
	case "metric":
		return metricEvery
	}
	return defaultEvery
}

// kindOf finds the key that says what is watched.
func (l *loader) kindOf(id oncall.MonitorID, name, n *node) (kind string) {
	var first *node
	for _, p := range n.pairs {
		if !slices.Contains(kindKeys(), p.key.text) {
			continue
		}
		if first != nil && p.key.text != first.text {
			l.errorf(p.key, "a monitor watches one thing: %s is written already, at %s; give %s a monitor of its own", first.text, first.place(), p.key.text)
			return ""
		}
		first = p.key
	}
	if first != nil {
		return first.text
	}
	for _, p := range n.pairs { // a slip in the one key that matters
		if word := nearest.Word(p.key.text, kindKeys()); word != "" && !slices.Contains(commonKeys(), p.key.text) {
			l.errorf(p.key, "unknown key %s; did you mean %s?", quote(p.key.text), word)
			return ""
		}
	}
	l.errorf(name, "monitor %s says nothing to watch: add http: https://…, or one of %s", quote(string(id)), strings.Join(kindKeys()[1:], ", "))
	return ""
}

// timeout is how long a check may take: always less than the interval.
func (f fields) timeout(every time.Duration) time.Duration {
	without := min(probeTimeout, every*9/10)
	d := f.duration("timeout", without, time.Millisecond, oncall.MaxEvery)
	if d >= every {
		f.l.errorf(f.node("timeout"), "timeout is %s, but a check has to be over before the next one: less than every, which is %s", spell(d), spell(every))
		return without
	}
	return d
}

var countShape = regexp.MustCompile(`^([0-9]{1,4}) ?(x|times?)$`)

// threshold reads a time or a number of results in a row: 45s, 3x, 3 times.
func (f fields) threshold(key string, without oncall.Threshold) oncall.Threshold {
	n, ok := f.scalar(key)
	if !ok {
		return without
	}
	if m := countShape.FindStringSubmatch(n.text); m != nil {
		count, err := strconv.Atoi(m[1])
		if err != nil || count < 1 || count > oncall.MaxCount {
			f.l.errorf(n, "%s is from 1 to %d results in a row, not %s", key, oncall.MaxCount, quote(n.text))
			return without
		}
		return oncall.Threshold{Count: count}
	}
	d, err := parseDuration(n.text)
	switch {
	case err != nil:
		f.l.errorf(n, "%s is a time or a number of results in a row, as in 45s or 3x, not %s", key, quote(n.text))
	case d > oncall.MaxThreshold:
		f.l.errorf(n, "%s is at most %s, not %s", key, spell(oncall.MaxThreshold), spell(d))
	default:
		return oncall.Threshold{For: d}
	}
	return without
}

var quorumShape = regexp.MustCompile(`^([0-9]{1,2})(?: of ([0-9]{1,2}))?$`)

// places reads from where a monitor is asked, and how many of the locations have
// to say down.
func (l *loader) places(f fields, m *oncall.Monitor) {
	for _, n := range f.texts("locations") {
		if slices.Contains(m.Locations, n.text) {
			l.errorf(n, "location %s is there twice", quote(n.text))
			continue
		}
		l.refer(kindLocation, n)
		m.Locations = append(m.Locations, n.text)
	}
	if len(m.Locations) > oncall.MaxLocations {
		l.errorf(f.node("locations"), "at most %d locations", oncall.MaxLocations)
	}
	n, ok := f.scalar("quorum")
	if !ok {
		return
	}
	match := quorumShape.FindStringSubmatch(n.text)
	if match == nil {
		l.errorf(n, "quorum is how many locations have to say down, as in 2 or 2 of 3, not %s", quote(n.text))
		return
	}
	m.Quorum, _ = strconv.Atoi(match[1])
	of, _ := strconv.Atoi(match[2])
	switch total := len(m.Places()); {
	case match[2] != "" && of != total:
		l.errorf(n, "quorum says %s, but the monitor has %d locations", quote(n.text), total)
	case m.Quorum < 1 || m.Quorum > total:
		l.errorf(n, "quorum is from 1 to the number of locations, which is %d", total)
	default:
		return
	}
	m.Quorum = 0
}

var labelShape = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// ownLabels are given by toban.
func ownLabels() []string {
	return []string{"monitor", "kind", "target", "location", "severity", "alertname", oncall.LabelService}
}

// labels reads { product: checkout }.
func (l *loader) labels(n *node) map[string]string {
	if n == nil || !l.is(n, mapping) {
		return nil
	}
	if len(n.pairs) > oncall.MaxLabels {
		l.errorf(n, "at most %d labels", oncall.MaxLabels)
	}
	all := map[string]string{}
	for _, p := range n.pairs {
		switch _, twice := all[p.key.text]; {
		case twice:
			l.errorf(p.key, "label %s is there twice", quote(p.key.text))
		case !labelShape.MatchString(p.key.text) || strings.HasPrefix(p.key.text, "__"):
			l.errorf(p.key, "%s can't be a label: letters, digits and _, beginning with a letter", quote(p.key.text))
		case slices.Contains(ownLabels(), p.key.text):
			l.errorf(p.key, "the label %s is given by toban; choose another name", p.key.text)
		case p.value.kind != empty && !l.is(p.value, scalar):
		default:
			all[p.key.text] = p.value.text
		}
	}
	return all
}

// Monitors returns the monitors in the order of the files.
func (c *Config) Monitors() []*oncall.Monitor { return valuesOf[*oncall.Monitor](c) }

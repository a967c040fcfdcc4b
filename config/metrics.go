package config

import (
	"math"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Metrics says which Prometheus toban works with: one of its own, as a child
// process with these limits, or one that runs already.
type Metrics struct {
	Off        bool     // nothing is started, whatever would need it
	Prometheus string   // path of its configuration; "" = none
	Rules      []string // paths of rule files, or of folders with them
	Retention  time.Duration
	Size       int64  // bytes that its blocks may take
	Memory     int64  // bytes that the process may take
	URL        string // of the one that runs already; "" = one of toban's own
	User       string // of basic authentication there
	Password   Secret
	Token      Secret // of a bearer there
	// Files is a hash of what these and the files that they name say, as far as
	// they lie in the folder: a change of theirs is one of the configuration.
	Files string
}

// What a Prometheus of toban's own may take when nothing is written.
const (
	defaultRetention = 15 * 24 * time.Hour
	defaultSize      = 10 << 30
	defaultMemory    = 512 << 20
	leastMemory      = 192 << 20 // with less it does not get through its start
	leastSize        = 256 << 20
)

// DefaultMetrics is what runs where something needs it and nothing is written.
func DefaultMetrics() Metrics {
	return Metrics{Retention: defaultRetention, Size: defaultSize, Memory: defaultMemory}
}

// metricsName is the name of the object that holds the section.
const metricsName = "metrics"

// metrics reads the section `metrics`.
func (l *loader) metrics(at, n *node) {
	if n == nil {
		return
	}
	f := l.fields(at, n, "enabled", "prometheus", "rules", "retention", "size", "memory", "url", "user", "password", "token")
	m := DefaultMetrics()
	m.Off = !f.bool("enabled", true)
	m.URL = f.url("url")
	if f.has("url") {
		for _, key := range []string{"prometheus", "rules", "retention", "size", "memory"} {
			if f.has(key) {
				l.errorf(f.key(key), "%s is about a Prometheus of toban's own; with url its own configuration decides", key)
			}
		}
		m.User, m.Password, m.Token = f.text("user"), f.secret("password", nil), f.secret("token", nil)
		if f.has("user") != f.has("password") {
			l.errorf(f.key("url"), "user and password go together")
		}
		if f.has("user") && f.has("token") {
			l.errorf(f.key("token"), "either user and password, or token")
		}
		if u, err := url.Parse(m.URL); err == nil && u.Scheme == "http" && (f.has("password") || f.has("token")) && !loopback(u.Hostname()) {
			l.warnf(f.node("url"), "what authenticates goes over the network in clear; use https")
		}
	} else {
		for _, key := range []string{"user", "password", "token"} {
			if f.has(key) {
				l.errorf(f.key(key), "%s goes with url", key)
			}
		}
	}
	if p, ok := f.scalar("prometheus"); ok && p.text != "" {
		m.Prometheus = l.config.path(p.text)
		if !l.there(p.text) {
			l.errorf(p, "there is no file %s", quote(p.text))
		}
	}
	for _, r := range f.texts("rules") {
		if strings.ContainsAny(r.text, "*?[") || r.text == "" {
			l.errorf(r, "rules are named by their files, or by the folder in which they lie; a pattern belongs into rule_files of a prometheus.yml")
			continue
		}
		m.Rules = append(m.Rules, l.config.path(r.text))
	}
	m.Retention = f.duration("retention", m.Retention, 2*time.Hour, maxDuration)
	m.Size = f.size("size", m.Size, leastSize)
	m.Memory = f.size("memory", m.Memory, leastMemory)
	m.Files = fingerprint(l.foreign)
	l.config.Providers.Metrics = &m
	l.afterwards(func() {
		l.put(KindProvider, metricsName, m.stored(), at)
		l.evaluated(&m)
	})
}

// there reports whether a file that the folder names exists.
func (l *loader) there(name string) bool {
	if !filepath.IsAbs(name) && l.fsys != nil && filepath.IsLocal(name) {
		return isFile(l.fsys, name)
	}
	info, err := os.Stat(l.config.path(name))
	return err == nil && info.Mode().IsRegular()
}

func loopback(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

var sizeShape = regexp.MustCompile(`^([0-9]{1,6}(?:\.[0-9]{1,3})?)\s?([KMGT])i?B$`)

// size reads an amount of bytes, such as 512MiB. As with Prometheus, MB and MiB
// are the same.
func (f fields) size(key string, without, least int64) int64 {
	n, ok := f.scalar(key)
	if !ok {
		return without
	}
	m := sizeShape.FindStringSubmatch(n.text)
	if m == nil {
		f.l.errorf(n, "%s is an amount of bytes as in 512MiB or 10GB, not %s", key, quote(n.text))
		return without
	}
	v, err := strconv.ParseFloat(m[1], 64)
	for _, unit := range "KMGT" {
		v *= 1 << 10
		if string(unit) == m[2] {
			break
		}
	}
	const most = 1 << 50
	if bytes := int64(math.Round(v)); err == nil && v <= most && bytes >= least {
		return bytes
	}
	f.l.errorf(n, "%s is from %dMiB to 1024TiB, not %s", key, least>>20, quote(n.text))
	return without
}

// storedMetrics is Metrics as the store keeps it.
type storedMetrics struct {
	Off        bool     `json:",omitempty"`
	Prometheus string   `json:",omitempty"`
	Rules      []string `json:",omitempty"`
	Retention  time.Duration
	Size       int64
	Memory     int64
	URL        string       `json:",omitempty"`
	User       string       `json:",omitempty"`
	Password   storedSecret `json:",omitzero"`
	Token      storedSecret `json:",omitzero"`
	Files      string
}

func (m *Metrics) stored() storedMetrics {
	return storedMetrics{
		m.Off, m.Prometheus, m.Rules, m.Retention, m.Size, m.Memory, m.URL, m.User, m.Password.stored(), m.Token.stored(), m.Files,
	}
}

func (s storedMetrics) metrics() *Metrics {
	return &Metrics{
		Off: s.Off, Prometheus: s.Prometheus, Rules: s.Rules, Retention: s.Retention, Size: s.Size, Memory: s.Memory,
		URL: s.URL, User: s.User, Password: s.Password.secret(), Token: s.Token.secret(), Files: s.Files,
	}
}

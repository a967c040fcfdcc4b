package config

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"toban/internal/nearest"
	"toban/oncall"
)

// fields are the keys of one mapping. Each method reads one key and collects
// what is wrong with it, so that one look at a file finds all there is.
type fields struct {
	l  *loader
	at *node // the mapping, or the key in front of it
	by map[string]pair

	broken bool // it is no mapping, which has been said: nothing is missed in it
}

// fields reads a mapping that knows these keys. at is where a missing key is
// missed.
func (l *loader) fields(at, n *node, known ...string) fields {
	f := fields{l: l, at: at, by: map[string]pair{}}
	if n.kind == empty {
		return f
	}
	if !l.is(n, mapping) {
		f.broken = true
		return f
	}
	for _, p := range n.pairs {
		if was, twice := f.by[p.key.text]; twice {
			l.errorf(p.key, "%s is there twice; first at %s", p.key.text, was.key.place())
			continue
		}
		if !slices.Contains(known, p.key.text) {
			l.errorf(p.key, "unknown key %s%s", quote(p.key.text), nearest.Hint(p.key.text, known))
			continue
		}
		f.by[p.key.text] = p
	}
	return f
}

// is reports whether n is of a kind and says so when it is not.
func (l *loader) is(n *node, k kind) bool {
	if n.kind == k {
		return true
	}
	l.errorf(n, "this has to be %s, not %s", k, n.kind)
	return false
}

// node returns what stands behind a key, nil when there is nothing.
func (f fields) node(key string) *node {
	if p, ok := f.by[key]; ok && p.value.kind != empty {
		return p.value
	}
	return nil
}

// key returns the key itself, or where it is missed.
func (f fields) key(key string) *node {
	if p, ok := f.by[key]; ok {
		return p.key
	}
	return f.at
}

func (f fields) has(key string) bool { return f.node(key) != nil }

// need says that a key is missing, and why it is needed.
func (f fields) need(key, why string) bool {
	if f.has(key) || f.broken {
		return f.has(key)
	}
	f.l.errorf(f.key(key), "%s is missing: %s", key, why)
	return false
}

// maxText bounds every text of the folder, in bytes.
const maxText = 16 << 10

func (f fields) scalar(key string) (*node, bool) {
	n := f.node(key)
	if n == nil || !f.l.is(n, scalar) {
		return nil, false
	}
	if len(n.text) > maxText {
		f.l.errorf(n, "a text of more than 16 KiB")
		return nil, false
	}
	return n, true
}

func (f fields) text(key string) string {
	n, ok := f.scalar(key)
	if !ok {
		return ""
	}
	return n.text
}

// maxTitle is how long what people call something may be, in characters.
const maxTitle = 200

// title is what people call something. What can't be seen would make it look like
// something else.
func (f fields) title(key string) string {
	n, ok := f.scalar(key)
	if !ok {
		return ""
	}
	hidden := func(r rune) bool { return !unicode.IsPrint(r) && r != '\u3000' && r != '\u200d' }
	switch {
	case strings.TrimSpace(n.text) == "":
		f.l.errorf(n, "%s is empty; without the line its key is its name", key)
	case utf8.RuneCountInString(n.text) > maxTitle:
		f.l.errorf(n, "%s has more than %d characters", key, maxTitle)
	case strings.ContainsFunc(n.text, hidden):
		f.l.errorf(n, "%s has characters that can't be seen", key)
	default:
		return n.text
	}
	return ""
}

func (f fields) bool(key string, without bool) bool {
	n, ok := f.scalar(key)
	if !ok {
		return without
	}
	switch n.text {
	case "true":
		return true
	case "false":
		return false
	}
	f.l.errorf(n, "%s is true or false, not %s", key, quote(n.text))
	return without
}

func (f fields) word(key, without string, words ...string) string {
	n, ok := f.scalar(key)
	if !ok {
		return without
	}
	if slices.Contains(words, n.text) {
		return n.text
	}
	f.l.errorf(n, "%s is one of %s, not %s", key, strings.Join(words, ", "), quote(n.text))
	return without
}

func (f fields) count(key string, without, least, most int) int {
	n, ok := f.scalar(key)
	if !ok {
		return without
	}
	v, err := strconv.Atoi(n.text)
	if err != nil || v < least || v > most {
		f.l.errorf(n, "%s is a number from %d to %d, not %s", key, least, most, quote(n.text))
		return without
	}
	return v
}

func (f fields) rate(key string, without, most float64) float64 {
	n, ok := f.scalar(key)
	if !ok {
		return without
	}
	v, err := strconv.ParseFloat(n.text, 64)
	if err != nil || !(v > 0) || v > most {
		f.l.errorf(n, "%s is a number above 0 and up to %g, not %s", key, most, quote(n.text))
		return without
	}
	return v
}

func (f fields) duration(key string, without, least, most time.Duration) time.Duration {
	n, ok := f.scalar(key)
	if !ok {
		return without
	}
	d, err := parseDuration(n.text)
	switch {
	case err != nil:
		f.l.errorf(n, "%s: %v", key, err)
	case d < least || d > most:
		f.l.errorf(n, "%s is from %s to %s, not %s", key, spell(least), spell(most), spell(d))
	default:
		return d
	}
	return without
}

// each returns the elements behind a key, where one may stand for a list of
// one.
func (f fields) each(key string) []*node {
	n := f.node(key)
	switch {
	case n == nil:
		return nil
	case n.kind == list:
		return n.list
	}
	return []*node{n}
}

// texts are the elements behind a key as texts.
func (f fields) texts(key string) (all []*node) {
	for _, n := range f.each(key) {
		if f.l.is(n, scalar) {
			all = append(all, n)
		}
	}
	return all
}

func (f fields) zone(key, without string) string {
	n, ok := f.scalar(key)
	if !ok {
		return without
	}
	if _, err := oncall.LoadZone(n.text); err != nil || n.text == "" {
		f.l.errorf(n, "%s is no time zone; zones are written as in Asia/Tokyo, Europe/Berlin, UTC", quote(n.text))
		return without
	}
	return n.text
}

// url reads the address of a web service, without a slash at its end.
func (f fields) url(key string) string {
	n, ok := f.scalar(key)
	if !ok {
		return ""
	}
	u, err := url.Parse(n.text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		f.l.errorf(n, "%s has to be a URL as in https://toban.example.jp, without user, ? and #", key)
		return ""
	}
	return strings.TrimRight(n.text, "/")
}

// listen reads an address to listen on.
func (f fields) listen(key string) string {
	n, ok := f.scalar(key)
	if !ok {
		return ""
	}
	_, port, err := net.SplitHostPort(n.text)
	if v, e := strconv.Atoi(port); err != nil || e != nil || v < 0 || v > 65535 {
		f.l.errorf(n, "%s has to be an address and a port as in 127.0.0.1:8080, not %s", key, quote(n.text))
		return ""
	}
	return n.text
}

// phoneShape is E.164: a plus, the country and the number, at most 15 digits.
var phoneShape = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

func (l *loader) phone(n *node) string {
	if !l.is(n, scalar) {
		return ""
	}
	if phoneShape.MatchString(n.text) {
		return n.text
	}
	// The number itself is not repeated: problems are pasted into chats.
	bare := strings.NewReplacer(" ", "", "-", "", "(", "", ")", "").Replace(n.text)
	switch {
	case phoneShape.MatchString(bare):
		l.errorf(n, "write the phone number without spaces, hyphens and brackets")
	case strings.HasPrefix(bare, "0"):
		l.errorf(n, "write the phone number with its country, as in \"+819000000001\" for 090-0000-0001 in Japan")
	default:
		l.errorf(n, "this is no phone number; write it as in \"+819000000001\"")
	}
	return ""
}

// secret reads a reference to a secret. plain matches what may be written in
// clear; nil = nothing may.
func (f fields) secret(key string, plain *regexp.Regexp) Secret {
	n, ok := f.scalar(key)
	if !ok {
		return Secret{}
	}
	scheme, name, colon := strings.Cut(n.text, ":")
	switch {
	case colon && scheme == "env" && envShape.MatchString(name):
		return Secret{ref: n.text}
	case colon && scheme == "file" && name != "":
		return Secret{ref: "file:" + f.l.config.path(name)}
	case colon && scheme == "env":
		f.l.errorf(n, "%s: env: is followed by the name of an environment variable, as in env:TWILIO_TOKEN", key)
	case colon && scheme == "file":
		f.l.errorf(n, "%s: file: is followed by a path", key)
	case colon && scheme == "store":
		f.l.errorf(n, "%s: store: is not available yet; use env:NAME or file:PATH until toban keeps secrets itself", key)
	case plain != nil && plain.MatchString(n.text):
		return Secret{plain: n.text}
	default:
		f.l.errorf(n, "%s is a secret and is not written here; refer to it as env:NAME or file:PATH, and change it if this folder has been shared", key)
	}
	return Secret{}
}

var envShape = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// refer reads the name of something that is defined elsewhere.
func (f fields) refer(kind, key string) string {
	n, ok := f.scalar(key)
	if !ok {
		return ""
	}
	f.l.refer(kind, n)
	return n.text
}

// spell writes a duration as the folder does.
func spell(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return s
}

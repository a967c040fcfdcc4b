package view

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"toban/i18n"
)

// AuditPage is who changed what, the latest first.
type AuditPage struct {
	Rows                []AuditRow
	Kinds               []Option
	Kind, Actor, Object string // what it is narrowed to; "" = all
	Next                string // path of what came before; "" for the end
}

// AuditRow is one change.
type AuditRow struct {
	ID     string
	At     time.Time
	Actor  string
	Via    string
	Action string // as it is said, with the kind of what was changed
	Name   string
	Path   string // of what was changed; "" where there is no page
	Lines  []DiffLine
}

// DiffLine is one member of what was changed. Before or After is "" where it was
// not there.
type DiffLine struct{ Member, Before, After string }

// ActionWords says an action of the audit log; one without words stands for
// itself.
func ActionWords(lang, kind, action string) string {
	return i18n.In(lang).Or(kind+" "+action, "audit."+kind+"."+action)
}

// mostDiff bounds the members that a difference shows, longestValue each of them.
const (
	mostDiff     = 100
	longestValue = 400
)

// Diff compares two JSON documents member by member; "" and null are nothing.
// What is no JSON is compared as a whole.
func Diff(before, after string) []DiffLine {
	was, is := flatten(before), flatten(after)
	names := make([]string, 0, len(was)+len(is))
	for name := range was {
		names = append(names, name)
	}
	for name := range is {
		if _, both := was[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var lines []DiffLine
	for _, name := range names {
		if was[name] == is[name] {
			continue
		}
		if len(lines) == mostDiff {
			return append(lines, DiffLine{Member: "…"})
		}
		lines = append(lines, DiffLine{Member: name, Before: Short(was[name], longestValue), After: Short(is[name], longestValue)})
	}
	return lines
}

// flatten gives every value of a document under its path: levels.0.wait.
func flatten(text string) map[string]string {
	out := map[string]string{}
	if strings.TrimSpace(text) == "" {
		return out
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var doc any
	if err := d.Decode(&doc); err != nil {
		out[""] = text
		return out
	}
	walk(out, "", doc, 0)
	return out
}

func walk(out map[string]string, path string, v any, depth int) {
	const deepest = 20
	below := func(name string) string {
		if path == "" {
			return name
		}
		return path + "." + name
	}
	switch v := v.(type) {
	case map[string]any:
		if depth < deepest {
			for name, member := range v {
				walk(out, below(name), member, depth+1)
			}
			return
		}
	case []any:
		if depth < deepest {
			for i, member := range v {
				walk(out, below(strconv.Itoa(i)), member, depth+1)
			}
			return
		}
	case nil:
		return
	case string:
		out[path] = v
		return
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err == nil {
		out[path] = strings.TrimSpace(b.String())
	}
}

func containsFold(text, word string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(word))
}

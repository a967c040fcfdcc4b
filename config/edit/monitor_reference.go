package edit

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"toban/access"
	"toban/oncall"
)

// staysPut refuses a monitor that would send a secret anywhere else than a monitor
// does that has it already. A reference that is known is not free for all: with
// the token of a phone provider in a header, whoever may make monitors could have
// it sent to a server of their own. On the machine itself the operator decides.
func staysPut(ctx context.Context, m *oncall.Monitor, all []*oncall.Monitor, locations []*oncall.Location) error {
	if p, ok := access.From(ctx); !ok || p.Via == access.ViaCLI && p.Session == "" && p.Token == "" {
		return nil
	}
	if len(m.Secrets) == 0 {
		return nil
	}
	had := map[string]bool{}
	for _, l := range locations {
		all = append(slices.Clip(all), l.References...)
	}
	for _, other := range all {
		for _, use := range usesOf(other) {
			had[use.way] = true
		}
	}
	for _, use := range usesOf(m) {
		if !had[use.way] {
			return &oncall.Error{
				Kind: oncall.Denied, Code: "configuration.reference", Field: "/",
				Message: "monitor " + string(m.ID) + " would send " + use.ref + " where no monitor of the configuration sends it: write it into the folder and apply it on the machine itself",
			}
		}
	}
	return nil
}

// use is one place of a module where a secret stands, and what decides who gets
// to read it there.
type use struct{ ref, way string }

// deciding are the keys of a module that decide who is asked: another proxy, a
// certificate of anybody or another virtual host may be another reader.
var deciding = []string{"proxy_url", "proxy_from_environment", "token_url", "insecure_skip_verify", "ca_file", "server_name", "Host"}

// usesOf finds the secrets of a monitor. One that is nowhere in its module counts
// as one that nobody knows the use of.
func usesOf(m *oncall.Monitor) (all []use) {
	var module any
	if m == nil || json.Unmarshal([]byte(m.Module), &module) != nil {
		return nil
	}
	found := map[string]string{} // place → reference
	roots := map[string]bool{}   // files that are read and sent to nobody
	var by []string
	var walk func(place, key string, v any)
	walk = func(place, key string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, each := range v {
				walk(place+"/"+strconv.Quote(k), k, each)
			}
		case []any:
			for _, each := range v {
				walk(place, key, each)
			}
		default:
			text, _ := v.(string)
			n, ok := oncall.ParsePlaceholder(text)
			switch {
			case ok && n < len(m.Secrets):
				found[place+"="+m.Secrets[n]] = m.Secrets[n]
				text = m.Secrets[n]
			case key == "ca_file":
				roots["file:"+text] = true
			case (strings.HasSuffix(key, "_file") || key == "files") && text != "":
				found[place+"=file:"+text] = "file:" + text
			}
			if slices.Contains(deciding, key) {
				said, _ := json.Marshal(v) // a scalar always can be
				by = append(by, place+"="+string(said)+text)
			}
		}
	}
	walk("", "", module)
	for _, ref := range m.Secrets {
		if !roots[ref] && !containsValue(found, ref) {
			found["="+ref] = ref
		}
	}
	slices.Sort(by)
	way := string(m.Kind) + " " + goesTo(m.Target) + " " + strings.Join(by, " ")
	for place, ref := range found {
		all = append(all, use{ref, way + " " + place})
	}
	return all
}

func containsValue(all map[string]string, value string) bool {
	for _, v := range all {
		if v == value {
			return true
		}
	}
	return false
}

// goesTo is who a target is: scheme, host and port.
func goesTo(target string) string {
	scheme, rest, ok := strings.Cut(target, "://")
	if !ok {
		scheme, rest = "", target
	}
	if end := strings.IndexAny(rest, "/?#\\"); end >= 0 {
		rest = rest[:end]
	}
	return strings.ToLower(scheme + "://" + rest)
}

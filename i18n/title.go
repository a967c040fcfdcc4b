package i18n

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// titled begin the keys of the titles of alerts that toban makes by itself: those of
// its monitors, and those about itself.
func titled() []string { return []string{"monitor.alert.", "alarm."} }

func isTitle(key string) bool {
	return slices.ContainsFunc(titled(), func(begin string) bool { return strings.HasPrefix(key, begin) })
}

// form is such a title in one language.
type form struct {
	key          string
	first, last  string // what is before the first place, and behind the last one
	said         int    // letters beside the places
	whole        *regexp.Regexp
	placesByTurn []string
}

var placeForm = regexp.MustCompile(`\{(\w+)\}`)

// forms are the titles of each language, those that say most first.
var forms = sync.OnceValue(func() map[string][]form {
	all := map[string][]form{}
	for language, texts := range catalogues() {
		for _, key := range slices.Sorted(maps.Keys(texts)) {
			if !isTitle(key) {
				continue
			}
			text := texts[key]
			f, written, at := form{key: key, said: len(placeForm.ReplaceAllString(text, ""))}, strings.Builder{}, 0
			for i, m := range placeForm.FindAllStringSubmatchIndex(text, -1) {
				if i == 0 {
					f.first = text[:m[0]]
				}
				place, value := text[m[2]:m[3]], "(\\S+)" // figures and names of metrics: a sender's sentence is longer
				if place == "name" {
					value = "(.+)"
				}
				written.WriteString(regexp.QuoteMeta(text[at:m[0]]) + value)
				f.placesByTurn = append(f.placesByTurn, place)
				at = m[1]
			}
			if at == 0 {
				f.first = text
			}
			f.last = text[at:]
			f.whole = regexp.MustCompile("^" + written.String() + regexp.QuoteMeta(f.last) + "$")
			all[language] = append(all[language], f)
		}
		slices.SortStableFunc(all[language], func(a, b form) int { return b.said - a.said })
	}
	return all
})

// Title says anew the title of an alert of toban's own, which is kept in the language
// of the installation. Any other title is its sender's and stays.
func (p Printer) Title(title string) string {
	for language, all := range forms() {
		if language == p.Language() {
			continue
		}
		for _, f := range all {
			if !strings.HasPrefix(title, f.first) || !strings.HasSuffix(title, f.last) {
				continue
			}
			found := f.whole.FindStringSubmatch(title)
			if found == nil {
				continue
			}
			var places []string
			for i, name := range f.placesByTurn {
				places = append(places, name, found[i+1])
			}
			return p.Say(f.key, places...)
		}
	}
	return title
}

// Package i18n holds what toban says, in Japanese and English.
//
// A text is found by its key and has named places, such as {user}. There are no
// plurals and no grammar: a sentence is written so that it needs none. It never
// decides what is said, only how; and a language it does not know is English.
package i18n

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// The languages.
const (
	Japanese = "ja"
	English  = "en"
)

// Languages are all languages, in the order in which they are offered.
func Languages() []string { return []string{Japanese, English} }

//go:embed catalogue/*/*.json
var files embed.FS

// catalogues reads the files once; they are part of the program, so that a
// broken one is a broken build, which the tests find.
var catalogues = sync.OnceValue(func() map[string]map[string]string {
	all := make(map[string]map[string]string)
	for _, language := range Languages() {
		texts := make(map[string]string)
		names, err := fs.Glob(files, "catalogue/"+language+"/*.json")
		if err != nil {
			panic(err)
		}
		for _, name := range names { // one file for each room that speaks
			body, err := files.ReadFile(name)
			if err != nil {
				panic(err)
			}
			if err := json.Unmarshal(body, &texts); err != nil {
				panic(fmt.Errorf("%s: %w", name, err))
			}
		}
		all[language] = texts
	}
	return all
})

// Printer says things in one language. The zero value speaks English.
type Printer struct{ language string }

// In returns the printer of a language; "" and unknown languages are English.
func In(language string) Printer {
	if !slices.Contains(Languages(), language) {
		language = English
	}
	return Printer{language}
}

// Language is the printer's language.
func (p Printer) Language() string {
	if p.language == "" {
		return English
	}
	return p.language
}

// Has reports whether there is a text with that key.
func (p Printer) Has(key string) bool {
	_, ok := catalogues()[p.Language()][key]
	return ok
}

// Say returns the text of key with its places filled: Say("entry.level",
// "level", "2"). A key that does not exist is returned as it is, so that a gap
// is seen and nothing is lost.
func (p Printer) Say(key string, places ...string) string {
	text, ok := catalogues()[p.Language()][key]
	if !ok {
		return key
	}
	return fill(text, places)
}

// Or is Say for a key made of data, such as a code that came from elsewhere:
// what has no text is said as word.
func (p Printer) Or(word, key string, places ...string) string {
	if !p.Has(key) {
		return word
	}
	return p.Say(key, places...)
}

// List joins names the way the language does.
func (p Printer) List(names []string) string {
	return strings.Join(names, p.Say("list.separator"))
}

// fill replaces {name} by the value that follows name in places. What is filled
// in is not looked at again.
func fill(text string, places []string) string {
	if len(places) == 0 || !strings.Contains(text, "{") {
		return text
	}
	pairs := make([]string, 0, len(places))
	for i := 0; i+1 < len(places); i += 2 {
		pairs = append(pairs, "{"+places[i]+"}", places[i+1])
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// Sayable returns the first of names that a voice of the language can say: an
// English one can't read kana. When there is none it is the first at all.
func Sayable(language string, names ...string) string {
	first := ""
	for _, name := range names {
		foreign := strings.ContainsFunc(name, func(r rune) bool { return unicode.IsLetter(r) && !unicode.Is(unicode.Latin, r) })
		switch {
		case name == "":
		case language == Japanese || !foreign:
			return name
		case first == "":
			first = name
		}
	}
	return first
}

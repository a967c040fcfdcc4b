package twilio

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// shorten makes a text of at most n letters of one that is longer. Of "where: what"
// the name is cut before what happened is; a cut is at the end of a word and leaves
// nothing behind that waits for the next one. "" = nothing sensible is left.
func shorten(text string, n int) string {
	runes := []rune(text)
	if len(runes) <= n {
		return text
	}
	const between = ": "
	name, what, both := strings.Cut(text, between)
	if !both {
		return cutAt(runes, n)
	}
	if room := n - len(between) - len([]rune(what)); room >= min(len([]rune(name)), n/3) {
		if name = cutAt([]rune(name), room); name == "" {
			return what
		}
		return name + between + what
	}
	name = cutAt([]rune(name), n/2)
	room := n - len(between) - len([]rune(name))
	if name == "" {
		room = n
	}
	switch what = cutAt([]rune(what), room); {
	case what == "":
		return cutAt(runes, n)
	case name == "":
		return what
	}
	return name + between + what
}

// cutAt is text in at most n letters, cut at the end of a clause where half of them
// stay, else at that of a word; "" where there is none.
func cutAt(text []rune, n int) string {
	if len(text) <= n {
		return string(text)
	}
	for i := n; i > n/2; i-- {
		if strings.ContainsRune("、。,;", text[i]) {
			return trimEnd(string(text[:i]))
		}
	}
	for i := n; i > 0; i-- {
		if wordEnds(text[i-1], text[i]) {
			if kept := trimEnd(string(text[:i])); kept != "" {
				return kept
			}
		}
	}
	return ""
}

// wordEnds reports whether a word may end between a and b. Japanese has no blanks:
// a word ends behind its kana, and where another kind of letters begins, but not
// before the kana that belong to it.
func wordEnds(a, b rune) bool {
	kindA, kindB := kindOf(a), kindOf(b)
	switch {
	case kindB == blank || kindA == blank:
		return true
	case kindA == kana:
		return kindB != kana
	case kindB == kana:
		return false
	}
	return kindA != kindB
}

// kind is what a letter is one of.
type kind int

const (
	blank kind = iota // and punctuation
	kana              // hiragana
	katakana
	kanji
	other // latin letters, figures and whatever is written with blanks
)

func kindOf(r rune) kind {
	switch {
	case r == 'ー' || unicode.Is(unicode.Katakana, r):
		return katakana
	case unicode.Is(unicode.Hiragana, r):
		return kana
	case unicode.Is(unicode.Han, r) || r == '々':
		return kanji
	case strings.ContainsRune("_-.%'’", r), unicode.IsLetter(r), unicode.IsNumber(r), unicode.IsMark(r):
		return other
	}
	return blank
}

// waiting are words that wait for another one.
func waiting() []string {
	return []string{
		"a", "an", "and", "as", "at", "by", "for", "from", "in", "is", "of", "on", "or", "the", "to", "was", "were", "with", "without",
		"dot", "dash", "port", "ドット", "ハイフン", "ポート",
	}
}

// particles belong to what follows.
func particles() []string {
	return []string{"からの", "での", "への", "との", "には", "では", "とは", "にも", "でも", "が", "を", "は", "に", "の", "で", "と", "へ", "も"}
}

// trimEnd takes off what is of no use at the end: punctuation, a bracket that does
// not close, particles and words that wait for the next one.
func trimEnd(text string) string {
	for {
		before := text
		text = strings.TrimRightFunc(text, func(r rune) bool { return kindOf(r) == blank || r == '-' || r == '.' })
		for _, pair := range [][2]string{{"(", ")"}, {"（", "）"}, {"「", "」"}} {
			if i := strings.LastIndex(text, pair[0]); i >= 0 && !strings.Contains(text[i:], pair[1]) {
				text = text[:i]
			}
		}
		if i := strings.LastIndexByte(text, ' '); slices.Contains(waiting(), strings.ToLower(text[i+1:])) {
			text = text[:max(i, 0)]
		}
		for _, p := range particles() {
			short, is := strings.CutSuffix(text, p)
			if last, _ := utf8.DecodeLastRuneInString(short); is && short != "" && kindOf(last) != kana {
				text = short
				break
			}
		}
		if text == before {
			return text
		}
	}
}

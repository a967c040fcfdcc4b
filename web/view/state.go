package view

import (
	"strings"

	"github.com/rivo/uniseg"

	"toban/oncall"
)

// tone is the colour of a state: crit, warn, ok, or none for what is grey.
func tone(state string) string {
	switch state {
	case string(oncall.Triggered), "down", "failed", "crit":
		return "crit"
	case string(oncall.Acknowledged), "slow", "warn", "ringing":
		return "warn"
	case string(oncall.Resolved), "up", "ok", "verified":
		return "ok"
	}
	return "none"
}

// bars is how many of the four bars of a severity are full.
func bars(severity oncall.Severity) string {
	const most = 4
	return string(rune('0' + most - min(severity.Rank(), most-1)))
}

// initial is the first letter of a name as people see one.
func initial(name string) string {
	letter, _, _, _ := uniseg.FirstGraphemeClusterInString(strings.TrimSpace(name), -1)
	if letter == "" {
		return "?"
	}
	return strings.ToUpper(letter)
}

// Short cuts a text to at most n letters as people see them, with an ellipsis.
func Short(text string, n int) string {
	if uniseg.GraphemeClusterCount(text) <= n {
		return text
	}
	var b strings.Builder
	letters := uniseg.NewGraphemes(text)
	for range n - 1 {
		if !letters.Next() {
			break
		}
		b.WriteString(letters.Str())
	}
	return strings.TrimSpace(b.String()) + "…"
}

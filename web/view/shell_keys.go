package view

import "strconv"

type keyLine struct {
	keys []string
	text string // key of the text
}

// keys is what the keyboard does everywhere (web/static/js/keys.js).
func keys() []keyLine {
	return []keyLine{
		{[]string{"j", "k"}, "keys.move"},
		{[]string{"Enter"}, "keys.open"},
		{[]string{"a"}, "keys.acknowledge"},
		{[]string{"r"}, "keys.resolve"},
		{[]string{"/"}, "keys.search"},
		{[]string{"⌘K", "Ctrl K"}, "keys.palette"},
		{[]string{"g", "i"}, "keys.go.incidents"},
		{[]string{"g", "o"}, "keys.go.oncall"},
		{[]string{"g", "w"}, "keys.go.monitors"},
		{[]string{"g", "s"}, "keys.go.schedules"},
		{[]string{"?"}, "keys.help"},
	}
}

// many is a count that stays narrow.
func many(n int) string {
	const wide = 99
	if n > wide {
		return "99+"
	}
	return strconv.Itoa(n)
}

// kind is a kind of message that there is a colour for.
func kind(k string) string {
	switch k {
	case "ok", "warn", "error":
		return k
	}
	return "info"
}

func flashIcon(k string) string {
	switch k {
	case "ok":
		return "check"
	case "warn", "error":
		return "alert"
	}
	return "info"
}

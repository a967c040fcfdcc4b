package archtest

import (
	"regexp"
	"strings"
)

var (
	requirement   = regexp.MustCompile(`(?m)^(?:require )?\s*(\S+\.\S+) v\S+$`) // a line without "// indirect"
	dependencyRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|(.*)$")
)

// unexplained compares the direct requirements of go.mod with the rows of
// docs/dependencies.md, both ways.
func unexplained(gomod, page string) []finding {
	rows := map[string]bool{}
	var found []finding
	matches := dependencyRow.FindAllStringSubmatch(page, -1)
	for _, m := range matches {
		rows[m[1]] = true
		cells := strings.Split(strings.Trim(m[2], "| "), "|")
		if len(cells) < 2 || strings.TrimSpace(cells[0]) == "" || strings.TrimSpace(cells[1]) == "" {
			found = append(found, finding{"docs/dependencies.md", m[1] + " lacks its reason or its home"})
		}
	}
	direct := map[string]bool{}
	for _, m := range requirement.FindAllStringSubmatch(gomod, -1) {
		direct[m[1]] = true
		if !rows[m[1]] {
			found = append(found, finding{"docs/dependencies.md", "no row says what " + m[1] + " is for"})
		}
	}
	for _, m := range matches {
		if !direct[m[1]] {
			found = append(found, finding{"docs/dependencies.md", m[1] + " is no direct requirement of go.mod"})
		}
	}
	return found
}

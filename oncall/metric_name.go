package oncall

import "strings"

// Limits of the names of service metrics, in characters, as at Mackerel.
const (
	minServiceName = 2
	maxServiceName = 63
	maxMetricName  = 255
)

// IsMetricService reports whether whose metric it is can be called so, in the
// sender's words: 2 to 63 letters, digits, _ and -, the first no sign.
func IsMetricService(text string) bool {
	if len(text) < minServiceName || len(text) > maxServiceName || text[0] == '_' || text[0] == '-' {
		return false
	}
	return made(text, "_-")
}

// IsMetricName reports whether a service metric can be called so: at most 255
// letters, digits, . _ and -.
func IsMetricName(text string) bool {
	return text != "" && len(text) <= maxMetricName && made(text, "._-")
}

// IsMetricPattern reports whether text names service metrics: one by its name, or
// many with a * for a whole part between dots.
func IsMetricPattern(text string) bool {
	if text == "" || len(text) > maxMetricName {
		return false
	}
	for part := range strings.SplitSeq(text, ".") {
		if part != "*" && !made(part, "_-") {
			return false
		}
	}
	return true
}

// made reports whether text has nothing but letters and digits of ASCII, and signs.
func made(text, signs string) bool {
	for i := range len(text) {
		c := text[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte(signs, c) < 0 {
			return false
		}
	}
	return true
}

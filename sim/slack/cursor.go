package slack

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// toCursor hides a position as the service does, so that nobody counts on it.
func toCursor(position int) string {
	return base64.StdEncoding.EncodeToString([]byte("next:" + strconv.Itoa(position)))
}

// fromCursor reads it back; -1 for anything else.
func fromCursor(cursor string) int {
	raw, err := base64.StdEncoding.DecodeString(cursor)
	if err != nil {
		return -1
	}
	text, ok := strings.CutPrefix(string(raw), "next:")
	position, err := strconv.Atoi(text)
	if !ok || err != nil {
		return -1
	}
	return position
}

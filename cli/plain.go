package cli

import (
	"io"
	"strings"
)

// plain writes what a terminal shows, and nothing that it obeys: titles, notes
// and labels come from whoever may send an alert. Line breaks and tabs pass.
type plain struct{ w io.Writer }

// Write implements io.Writer.
func (p plain) Write(b []byte) (int, error) {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\n' || c == '\t':
			out = append(out, c)
		case c < ' ' || c == 0x7f:
			out = append(out, ' ')
		case c == 0xc2 && i+1 < len(b) && b[i+1] >= 0x80 && b[i+1] < 0xa0: // the same once more, in two bytes
			out = append(out, ' ')
			i++
		default:
			out = append(out, c)
		}
	}
	if _, err := p.w.Write(out); err != nil {
		return 0, err
	}
	return len(b), nil
}

// maxTitle is how much of a title a row shows, in characters.
const maxTitle = 120

// line is text as one line of at most that many characters.
func line(text string, most int) string {
	words := []rune(strings.Join(strings.Fields(text), " "))
	if len(words) > most {
		return string(words[:most-1]) + "…"
	}
	return string(words)
}

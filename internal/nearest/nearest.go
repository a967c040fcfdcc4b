// Package nearest finds the known word that somebody probably meant, so that a
// message about a misspelt one names the mend.
package nearest

import (
	"fmt"
	"strings"
)

// Word returns the known word that somebody probably meant, or "".
func Word(word string, known []string) string {
	best, least := "", max(1, len([]rune(word))/3)+1
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k), least); d < least {
			best, least = k, d
		}
	}
	return best
}

// Hint ends a message about word: it says which known word was meant, or which there are.
func Hint(word string, known []string) string {
	if n := Word(word, known); n != "" {
		return fmt.Sprintf("; did you mean %s?", n)
	}
	const most = 12
	switch {
	case len(known) == 0:
		return ""
	case len(known) > most:
		return "; known are " + strings.Join(known[:most], ", ") + ", …"
	}
	return "; known are " + strings.Join(known, ", ")
}

// distance is how many letters have to be added, left out, changed or swapped
// with their neighbour (Damerau and Levenshtein); limit when it is that or more.
func distance(a, b string, limit int) int {
	x, y := []rune(a), []rune(b)
	if len(x)-len(y) >= limit || len(y)-len(x) >= limit || len(x) > 128 {
		return limit
	}
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return min(rows[len(x)][len(y)], limit)
}

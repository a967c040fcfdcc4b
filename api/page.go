package api

import (
	"strconv"

	"toban/oncall"
)

// Paged are the parameters of a list that grows with the configuration.
type Paged struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"200" doc:"how many at most"`
	Cursor string `query:"cursor" maxLength:"512" doc:"next_cursor of the page before"`
}

var errCursor = &oncall.Error{Kind: oncall.Invalid, Code: "request.cursor", Message: "the cursor is none that this API has given, or what it named is gone; begin anew without it", Field: "/cursor"}

// page cuts one page out of a whole list in its order; next is the cursor of the
// one behind it. name is unique in the list.
func page[T any](all []T, p Paged, name func(*T) string) (part []T, next string, err error) {
	from := 0
	if p.Cursor != "" {
		for from < len(all) && name(&all[from]) != p.Cursor {
			from++
		}
		if from == len(all) {
			return nil, "", errCursor
		}
		from++
	}
	part = all[from:min(from+p.Limit, len(all))]
	if len(part) > 0 && from+len(part) < len(all) {
		next = name(&part[len(part)-1])
	}
	if part == nil {
		part = []T{} // an empty list, never null
	}
	return part, next, nil
}

// offset reads a cursor that says how many were given already.
func offset(cursor string, most int) (int, error) {
	if cursor == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(cursor)
	if err != nil || n < 0 || n > most {
		return 0, errCursor
	}
	return n, nil
}

func names[T ~string](ids []T) []string {
	out := make([]string, len(ids))
	for i, n := range ids {
		out[i] = string(n)
	}
	return out
}

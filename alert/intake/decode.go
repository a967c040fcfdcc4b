package intake

import (
	"bytes"
	"encoding/json"
	"slices"
)

const (
	// maxNumber is how long a number may be: a mapping calculates with all of its
	// digits.
	maxNumber = 400
	// exactDigits is how many digits of a number a float surely keeps.
	exactDigits = 15
)

// decode reads a JSON document. Where it has a number of many digits, numbers
// stay as they were written: an id of 17 digits is no longer itself once it has
// been a float. Otherwise they are floats, which is a third quicker; exact says
// which it was.
func decode(body []byte) (doc any, exact bool, err error) {
	if !manyDigits(body) || !json.Valid(body) {
		err = json.Unmarshal(body, &doc)
		return doc, false, err
	}
	in := json.NewDecoder(bytes.NewReader(body))
	in.UseNumber()
	err = in.Decode(&doc)
	return doc, true, err
}

// manyDigits reports whether more digits follow each other than a float keeps.
func manyDigits(body []byte) bool {
	run := 0
	for _, c := range body {
		if c-'0' > 9 { // below '0' wraps around
			run = 0
		} else if run++; run > exactDigits {
			return true
		}
	}
	return false
}

// longNumber reports whether a number in doc is longer than one may be. doc nests
// no deeper than maxDepth.
func longNumber(doc any) bool {
	switch v := doc.(type) {
	case json.Number:
		return len(v) > maxNumber
	case map[string]any:
		for _, each := range v {
			if longNumber(each) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, longNumber)
	}
	return false
}

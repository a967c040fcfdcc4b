package probe

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"io"
	"unicode/utf8"

	"github.com/andybalholm/brotli"
)

// decompressed is what is in a body that came compressed by that algorithm.
func decompressed(body io.Reader, algorithm string) (io.Reader, error) {
	switch algorithm {
	case "gzip":
		return gzip.NewReader(bufio.NewReader(body))
	case "deflate":
		return flate.NewReader(body), nil
	case "br":
		return brotli.NewReader(body), nil
	}
	return body, nil
}

// bodyText is the beginning of a body as it can be shown; "" of what is no text.
func bodyText(beginning []byte) string {
	odd := 0
	for rest := beginning; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		if r == utf8.RuneError && size <= 1 && len(rest) >= utf8.UTFMax || r == 0 {
			odd++
		}
		rest = rest[size:]
	}
	if odd > len(beginning)/20 {
		return ""
	}
	for range utf8.UTFMax { // the sample may end within a letter
		if r, size := utf8.DecodeLastRune(beginning); len(beginning) == 0 || r != utf8.RuneError || size > 1 {
			break
		}
		beginning = beginning[:len(beginning)-1]
	}
	return safeText(beginning, MaxBodySample)
}

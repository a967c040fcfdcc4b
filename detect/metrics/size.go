package metrics

import (
	"fmt"
	"strconv"
	"strings"
)

// sizes are Prometheus' own: 1 KB is 1024 bytes there, as 1 KiB is.
var sizes = []struct {
	name  string
	bytes float64
}{
	{"KIB", 1 << 10},
	{"MIB", 1 << 20},
	{"GIB", 1 << 30},
	{"TIB", 1 << 40},
	{"KB", 1 << 10},
	{"MB", 1 << 20},
	{"GB", 1 << 30},
	{"TB", 1 << 40},
	{"B", 1},
}

// parseSize reads a number of bytes such as 512MiB or 1.5GB. 0 means no limit;
// anything else below least is refused.
func parseSize(flag, text string, least int64) (int64, error) {
	number, factor := strings.ToUpper(strings.TrimSpace(text)), 1.0
	for _, u := range sizes {
		if rest, ok := strings.CutSuffix(number, u.name); ok {
			number, factor = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || !(n >= 0) || n*factor > 1<<60 {
		return 0, fmt.Errorf("%s: a size such as 512MiB or 10GB, not %q", flag, text)
	}
	size := int64(n * factor)
	if size != 0 && size < least {
		return 0, fmt.Errorf("%s: at least %dMiB, not %q", flag, least>>20, text)
	}
	return size, nil
}

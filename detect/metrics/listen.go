package metrics

import (
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// maxSocketPath is what the systems that toban runs on can bind; Linux has 108
// bytes with the end mark, others 104.
const maxSocketPath = 103

// listen opens address, host:port or unix:PATH. A socket is for this user
// alone; one that a killed process has left is replaced, one that is answered
// is not.
func listen(address string) (net.Listener, error) {
	path, isSocket := strings.CutPrefix(address, "unix:")
	if !isSocket {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return nil, fmt.Errorf("--listen: %w", err)
		}
		return l, nil
	}
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("--listen: the path of a socket has at most %d bytes, %q has %d", maxSocketPath, path, len(path))
	}
	if info, err := os.Stat(path); err == nil {
		if info.Mode()&os.ModeSocket == 0 {
			return nil, fmt.Errorf("--listen: %s exists and is no socket", path)
		}
		if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
			c.Close()
			return nil, fmt.Errorf("--listen: somebody answers on %s already", path)
		}
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("--listen: %w", err)
		}
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("--listen: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("--listen: %w", err)
	}
	return l, nil
}

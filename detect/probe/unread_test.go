package probe

import (
	"net"
	"testing"
	"time"
)

// talker is a server of HTTP/2 that sends pings without end and reads no answer.
// Each connection that the client has closed is counted on closed.
func talker(t testing.TB) (address string, closed chan struct{}) {
	t.Helper()
	closed = make(chan struct{}, 10)
	return neighbour(t, func(conn net.Conn) {
		settings, ping := []byte{0, 0, 0, 4, 0, 0, 0, 0, 0}, []byte{0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}
		_, err := conn.Write(settings)
		for err == nil {
			_, err = conn.Write(ping)
		}
		closed <- struct{}{}
	}), closed
}

func TestAServerThatOnlyTalksKeepsNoConnectionAndNoCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]Checker{
		"http":            asking(t, "http_version: \"2\""),
		"http keep_alive": asking(t, "http_version: \"2\"", "keep_alive: true"),
		"grpc":            service("").Checker(nearby()),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, closed := talker(t)
			start := time.Now()
			if r := askWithin(t, time.Second, c, address); r.Up {
				t.Error("got up, want down")
			}
			if took := time.Since(start); took > 1500*time.Millisecond {
				t.Errorf("the check took %s, want a second", took)
			}
			select {
			case <-closed:
			case <-time.After(unreadTime + 8*time.Second):
				t.Error("the connection outlives its check, want it closed")
			}
		})
	}
}
